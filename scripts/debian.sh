#!/bin/sh
# Installs the Debian packages that tests and the bench hold Ninefold against, when it may; says what is skipped otherwise.
# Exit 0 either way: a test without its peer is skipped with the reason, and CI counts a skip as a failure.
set -u
packages="curl openssl gcc libc6-dev nginx libnginx-mod-http-lua lua-cjson wrk chromium"
# They come from elsewhere too, and do not go together with Debian's then.
command -v node >/dev/null 2>&1 || packages="$packages nodejs"
command -v npm >/dev/null 2>&1 || packages="$packages npm"

missing() {
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf ' %s' "$package"
    done
}

skipped() {
    echo "ninefold: $1, so what needs it is skipped (bench, parity with nginx and Envoy, pages in a browser, lines for a shell, a real issuer of tokens):$(missing)"
    exit 0
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0
command -v apt-get >/dev/null 2>&1 || skipped "this is no Debian"
[ "$(id -u)" = 0 ] || skipped "only root may install packages"
case $wanted in *nginx*) fresh=$(command -v nginx || echo new) ;; *) fresh= ;; esac

echo "ninefold: installing the Debian packages$wanted; no service of theirs is started or enabled"
# A package that starts its server when it is installed asks this file first (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # the names are words
if apt-get update -qq >"$log" 2>&1 &&
    apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 $wanted >>"$log" 2>&1; then
    rm -f "$log"
else
    tail -n 5 "$log"
    rm -f "$log"
    skipped "apt-get could not install everything"
fi
# Another policy than ours may have let it start; who had no nginx before gets none that runs.
if [ "$fresh" = new ]; then
    { systemctl disable --now nginx || service nginx stop; } >/dev/null 2>&1 || true
fi

#!/bin/sh
# Installs the Debian packages that tests and the bench hold Ninefold against, when it may; says what is skipped otherwise.
set -u
packages="nginx-light libnginx-mod-http-lua lua-cjson wrk chromium"
missing=
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "ninefold: not installed, so the tests that need them are skipped:$missing"
    exit 0
fi
echo "ninefold: installing$missing"
# A package that starts its server when it is installed is told not to.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
    trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null

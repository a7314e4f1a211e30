from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Look = Callable[[str, str], list[tuple[str, int]]]

GO = 'package main\nimport (\n"crypto/md5"\n"crypto/sha256"\n"crypto/hmac"\n"crypto/aes"\n"crypto/cipher"\n"crypto/des"\n"crypto/rc4"\n"io"\n"github.com/golang-jwt/jwt/v5"\n"github.com/gorilla/sessions"\n)\n'
JAVA = "import java.security.MessageDigest;\nimport javax.crypto.*;\nimport javax.net.ssl.*;\nclass A {\n"

SHOWN = [
    # passwords in fast hashes
    ("a.js", 'const crypto = require("crypto");\nconst h = crypto.createHash("md5").update(password).digest("hex");', "password"),
    ("a.js", 'const { createHash } = require("node:crypto");\nuser.passwordHash = createHash("sha256").update(req.body.password + salt).digest("base64");', "password"),
    ("a.mjs", 'import crypto from "crypto";\nexport function hashPassword(plain) { const h = crypto.createHash("sha1"); h.update(plain); return h.digest("hex"); }', "password"),
    ("a.ts", 'import * as crypto from "crypto";\nexport class Users {\n  private hash(pw: string): string { return crypto.createHash("sha512").update(pw).digest("hex"); }\n  add(dto: Dto) { return this.repo.save({ ...dto, password: this.hash(dto.password) }); }\n}', "password"),
    ("a.ts", 'import md5 from "md5";\nconst ok = md5(body.password) === user.hash;', "password"),
    ("a.js", 'const CryptoJS = require("crypto-js");\nconst hash = CryptoJS.SHA256(password).toString();', "password"),
    ("a.js", 'const crypto = require("crypto");\nconst sha = (s) => crypto.createHash("sha1").update(s).digest("hex");\nlogin(sha(password));', "password"),
    ("a.go", GO + 'func f(password string) string { return fmt.Sprintf("%x", md5.Sum([]byte(password))) }', "password"),
    ("a.go", GO + "func f(u User) { h := sha256.New(); h.Write([]byte(u.Password)); u.Hash = h.Sum(nil) }", "password"),
    ("a.go", GO + "func HashPassword(s string) []byte { h := md5.New()\n io.WriteString(h, s)\n return h.Sum(nil) }", "password"),
    ("A.java", JAVA + 'String f(String password) { MessageDigest md = MessageDigest.getInstance("SHA-256"); return hex(md.digest(password.getBytes())); } }', "password"),
    ("A.java", JAVA + 'byte[] hashPassword(String raw) { MessageDigest md = MessageDigest.getInstance("MD5"); md.update(raw.getBytes(UTF_8)); return md.digest(); } }', "password"),
    ("A.java", "import org.apache.commons.codec.digest.DigestUtils;\nclass A { void f() { user.setPassword(DigestUtils.md5Hex(form.getPassword())); } }", "password"),
    ("a.js", 'const crypto = require("crypto");\nconst ok = (password, user) => crypto.timingSafeEqual(crypto.createHash("sha256").update(password).digest(), user.digest);', "password"),
    ("a.js", 'const crypto = require("crypto");\nconst ok = (password, hash) => crypto.timingSafeEqual(crypto.createHash("sha256").update(password).digest(), hash);', "password"),
    ("a.js", 'const crypto = require("crypto");\nfunction f(password, b) { const h = crypto.createHash("sha256").update(password).digest();\n save(h); return crypto.timingSafeEqual(h, b); }', "password"),
    ("a.js", 'const crypto = require("crypto");\nconst sha = (s) => crypto.createHash("sha256").update(s).digest();\nconst ok = (password, row) => crypto.timingSafeEqual(sha(password), row);', "password"),
    # weak ciphers
    ("a.js", 'const crypto = require("crypto");\ncrypto.createCipheriv("des-ede3-cbc", key, iv);', "cipher"),
    ("a.js", 'const crypto = require("crypto");\nconst ALG = "aes-256-ecb";\ncrypto.createCipheriv(ALG, key, null);', "cipher"),
    ("a.ts", 'import { createCipher } from "crypto";\ncreateCipher("aes-256-cbc", pass());', "cipher"),
    ("a.ts", 'import { createCipheriv } from "node:crypto";\nconst IV = Buffer.from("0123456789abcdef");\nexport const seal = (t: string) => createCipheriv("aes-256-cbc", key(), IV);', "cipher"),
    ("a.js", 'const crypto = require("crypto");\ncrypto.createCipheriv("aes-256-cbc", key, Buffer.alloc(16, 0));', "cipher"),
    ("a.js", 'import CryptoJS from "crypto-js";\nCryptoJS.AES.encrypt(a, key, { mode: CryptoJS.mode.ECB });', "cipher"),
    ("a.js", 'import CryptoJS from "crypto-js";\nCryptoJS.TripleDES.encrypt(a, key);', "cipher"),
    ("a.go", GO + "func f() { b, err := des.NewTripleDESCipher(key) }", "cipher"),
    ("a.go", GO + "func f() { c, _ := rc4.NewCipher(key) }", "cipher"),
    ("a.go", GO + 'var iv = []byte("1234567890123456")\nfunc f() { m := cipher.NewCBCEncrypter(block, iv) }', "cipher"),
    ("A.java", JAVA + 'void f() { Cipher c = Cipher.getInstance("DES/CBC/PKCS5Padding"); } }', "cipher"),
    ("A.java", JAVA + 'static final String T = "AES/ECB/PKCS5Padding";\nvoid f() { Cipher c = Cipher.getInstance(T); } }', "cipher"),
    ("A.java", JAVA + 'void f() { Cipher c = Cipher.getInstance("AES"); } }', "cipher"),
    ("A.java", JAVA + "void f() { c.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(new byte[16])); } }", "cipher"),
    ("A.java", JAVA + 'void f() { c.init(1, key, new IvParameterSpec("0123456789abcdef".getBytes())); } }', "cipher"),
    # keys in the source
    ("a.js", 'const jwt = require("jsonwebtoken");\njwt.sign({ id }, "hunter2hunter2");', "key"),
    ("a.js", 'const jwt = require("jsonwebtoken");\nconst S = "hunter2hunter2";\nmodule.exports = (t) => jwt.verify(t, S, { algorithms: ["HS256"] });', "key"),
    ("a.ts", 'import { sign } from "jsonwebtoken";\nconst config = { auth: { phrase: "hunter2hunter2" } };\nsign({}, config.auth.phrase);', "key"),
    ("a.ts", 'import { sign } from "jsonwebtoken";\nclass T { private readonly phrase = "hunter2hunter2";\n make() { return sign({}, this.phrase); } }', "key"),
    ("a.js", 'const crypto = require("crypto");\ncrypto.createHmac("sha256", "hunter2hunter2").update(x).digest();', "key"),
    ("a.js", 'const crypto = require("crypto");\nfunction f() { const k = Buffer.from("0123456789abcdef0123456789abcdef", "hex");\n return crypto.createCipheriv("aes-128-gcm", k, crypto.randomBytes(12)); }', "key"),
    ("a.js", 'const session = require("express-session");\napp.use(session({ secret: "keyboard cat", resave: false }));', "key"),
    ("a.js", 'const cookieSession = require("cookie-session");\napp.use(cookieSession({ name: "s", keys: ["key-one-1", "key-two-2"] }));', "key"),
    ("a.ts", '@Module({ imports: [JwtModule.register({ secret: "hunter2hunter2", signOptions: {} })] })\nexport class AuthModule {}', "key"),
    ("a.ts", 'export class JwtStrategy extends PassportStrategy(Strategy) {\n constructor() { super({ jwtFromRequest, secretOrKey: jwtConstants.secret }); }\n}\nexport const jwtSecret = "hunter2hunter2";', "key"),
    ("a.mjs", 'import { SignJWT } from "jose";\nconst secret = new TextEncoder().encode("hunter2hunter2");\nawait new SignJWT({}).setProtectedHeader({ alg: "HS256" }).sign(secret);', "key"),
    ("a.js", 'const jwt = require("jsonwebtoken");\njwt.sign({}, process.env.JWT || "dev-hunter2");', "key?"),
    ("a.js", 'const JWT_SECRET = process.env.JWT_SECRET ?? "dev-hunter2";', "key?"),
    ("a.go", GO + 'func f() { m := hmac.New(sha256.New, []byte("hunter2hunter2")) }', "key"),
    ("a.go", GO + 'const phrase = "hunter2hunter2"\nfunc f(t *jwt.Token) { s, err := t.SignedString([]byte(phrase)) }', "key"),
    ("a.go", GO + 'var store = sessions.NewCookieStore([]byte("hunter2hunter2"))', "key"),
    ("a.go", GO + 'func f(s string) { jwt.Parse(s, func(t *jwt.Token) (any, error) { return []byte("hunter2hunter2"), nil }) }', "key"),
    ("a.go", GO + 'var key = []byte("0123456789abcdef0123456789abcdef")\nfunc f() { block, err := aes.NewCipher(key) }', "key"),
    ("A.java", JAVA + 'static final String SEED = "hunter2hunter2";\nvoid f() { new SecretKeySpec(SEED.getBytes(StandardCharsets.UTF_8), "AES"); } }', "key"),
    ("A.java", JAVA + 'void f() { Keys.hmacShaKeyFor("hunter2hunter2hunter2hunter2".getBytes()); } }', "key"),
    ("A.java", JAVA + 'void f() { JWT.require(Algorithm.HMAC256("hunter2hunter2")).build(); } }', "key"),
    ("A.java", JAVA + 'void f() { Jwts.builder().setSubject(s).signWith(SignatureAlgorithm.HS512, "hunter2hunter2").compact(); } }', "key"),
    # certificates that nobody checks
    ("a.js", "new https.Agent({ rejectUnauthorized: false });", "verification"),
    ("a.js", 'process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";', "verification"),
    ("a.ts", 'process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";', "verification"),
    ("a.ts", "const o = { host: h, checkServerIdentity: () => undefined };", "verification"),
    ("a.go", GO + "func f() { t := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} }", "verification"),
    ("a.go", GO + "func f() { c := &tls.Config{}\n c.InsecureSkipVerify = true }", "verification"),
    ("A.java", JAVA + "TrustManager t = new X509TrustManager() { public void checkServerTrusted(X509Certificate[] c, String a) {} };}", "verification"),
    ("A.java", JAVA + "void f() { HttpsURLConnection.setDefaultHostnameVerifier((h, s) -> true); } }", "verification"),
    ("A.java", JAVA + "HostnameVerifier v = new HostnameVerifier() { public boolean verify(String h, SSLSession s) { return true; } };}", "verification"),
    ("A.java", JAVA + "void f() { HttpClients.custom().setSSLHostnameVerifier(NoopHostnameVerifier.INSTANCE).build(); } }", "verification"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "kind"), SHOWN)
def test_each_danger_is_seen_in_its_language(seen: Look, name: str, text: str, kind: str) -> None:
    assert {one for one, _ in seen(name, text)} == {kind}


CLEAR = [
    ("a.js", 'const crypto = require("crypto");\nconst etag = crypto.createHash("md5").update(body).digest("hex");'),
    ("a.js", 'const crypto = require("crypto");\nfunction resetPassword(token) { return crypto.createHash("sha256").update(token).digest("hex"); }'),
    ("a.js", 'const crypto = require("crypto");\nconst stretch = (password, salt) => crypto.scryptSync(password, salt, 32);'),
    ("a.js", 'const crypto = require("crypto");\nconst same = (password, b) => crypto.timingSafeEqual(crypto.createHash("sha256").update(password).digest(), b);'),
    ("a.ts", 'import { createHash, timingSafeEqual } from "node:crypto";\nconst sha = (s: string) => createHash("sha256").update(s).digest();\nconst same = (password: string) => timingSafeEqual(sha(password), sha(process.env.ADMIN));'),
    ("a.js", 'const crypto = require("crypto");\nfunction f(password, other) { const a = crypto.createHash("sha256").update(password).digest();\n const z = crypto.createHash("sha256").update(other).digest();\n return crypto.timingSafeEqual(a, z); }'),
    ("a.go", GO.replace('"io"', '"io"\n"crypto/subtle"') + "func f(password, want string) bool { h := sha256.Sum256([]byte(password))\n w := sha256.Sum256([]byte(want))\n return subtle.ConstantTimeCompare(h[:], w[:]) == 1 }"),
    ("a.ts", 'import bcrypt from "bcrypt";\nconst hash = await bcrypt.hash(password, 12);'),
    ("a.js", 'const crypto = require("crypto");\n// https://api.pwnedpasswords.com/range\nconst h = crypto.createHash("sha1").update(password).digest("hex");'),
    ("a.js", 'const crypto = require("crypto");\nfunction changePassword(userId) { return crypto.createHash("sha256").update(userId).digest("hex"); }'),
    ("a.js", 'const md5 = require("md5");\nconst avatar = md5(user.email);'),
    ("a.js", 'const crypto = require("crypto");\nconst iv = crypto.randomBytes(12);\ncrypto.createCipheriv("aes-256-gcm", key, iv);'),
    ("a.js", 'const crypto = require("crypto");\nconst iv = Buffer.alloc(12);\ncrypto.randomFillSync(iv);\ncrypto.createDecipheriv("aes-256-gcm", key, iv);'),
    ("a.js", 'const jwt = require("jsonwebtoken");\nconst SECRET = process.env.JWT_SECRET;\njwt.sign({}, SECRET, { issuer: "https://a.example" });'),
    ("a.js", 'const jwt = require("jsonwebtoken");\nconst key = fs.readFileSync("/run/secrets/key.pem");\njwt.verify(t, key);'),
    ("a.js", 'const jwt = require("jsonwebtoken");\nfunction f(secret) { return jwt.sign({}, secret); }\nconst secret = "x-other-thing-1";'),
    ("a.js", 'const jwt = require("jsonwebtoken");\nlet secret = "";\nsecret = load();\njwt.sign({}, secret);'),
    ("a.js", 'const jwt = require("jsonwebtoken");\nconst PUB = "-----BEGIN PUBLIC KEY-----\\nMIIB";\njwt.verify(t, PUB);'),
    ("a.js", 'const session = require("express-session");\napp.use(session({ secret: process.env.SECRET, key: "sid.name" }));'),
    ("a.ts", "JwtModule.registerAsync({ useFactory: (c: ConfigService) => ({ secret: c.get('JWT_SECRET') }) });"),
    ("a.ts", 'const Keys = { apiKey: "Authorization", sessionToken: "sid" };\nconst t: string = "secret";'),
    ("a.js", "new https.Agent({ rejectUnauthorized: true, ca });"),
    ("a.ts", "const o = { checkServerIdentity: (h, c) => tls.checkServerIdentity(h, c) };"),
    ("a.go", GO + "func f() { sum := sha256.Sum256(body)\n etag := md5.Sum(page) }"),
    ("a.go", GO + "func f(password string) { h, err := bcrypt.GenerateFromPassword([]byte(password), 12) }"),
    ("a.go", GO + 'func f() { m := hmac.New(sha256.New, []byte(os.Getenv("KEY"))) }'),
    ("a.go", GO + "func f(key []byte) { block, err := aes.NewCipher(key)\n iv := make([]byte, 16)\n rand.Read(iv)\n m := cipher.NewCTR(block, iv) }"),
    ("a.go", GO + 'func f(s string) { jwt.Parse(s, func(t *jwt.Token) (any, error) { return keys[t.Header["kid"]], nil }) }'),
    ("a.go", GO + "var c = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: false}"),
    ("A.java", JAVA + 'void f() { MessageDigest md = MessageDigest.getInstance("SHA-256"); etag = hex(md.digest(body)); } }'),
    ("A.java", JAVA + 'void f() { Cipher c = Cipher.getInstance("AES/GCM/NoPadding"); byte[] iv = new byte[12]; random.nextBytes(iv); c.init(1, key, new GCMParameterSpec(128, iv)); } }'),
    ("A.java", JAVA + 'void f() { Cipher c = Cipher.getInstance("RSA/ECB/OAEPWithSHA-256AndMGF1Padding"); } }'),
    ("A.java", JAVA + '@Value("${jwt.secret}") private String secret;\nvoid f() { Keys.hmacShaKeyFor(secret.getBytes()); } }'),
    ("A.java", JAVA + 'void f() { new SecretKeySpec(System.getenv("KEY").getBytes(), "AES"); } }'),
    ("A.java", JAVA + "class T implements X509TrustManager { public void checkServerTrusted(X509Certificate[] c, String a) throws CertificateException { inner.checkServerTrusted(c, a); } } }"),
    ("A.java", JAVA + "boolean verify(String h, SSLSession s) { return h.equals(expected); } }"),
    ("A.java", JAVA + "String f() { return new BCryptPasswordEncoder().encode(password); } }"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), CLEAR)
def test_what_is_none_is_not_told(seen: Look, name: str, text: str) -> None:
    assert seen(name, text) == []


def test_no_detail_repeats_a_secret(tmp_path: object, seen: Look) -> None:
    from pathlib import Path

    from ninefold.audit.code.read import sights

    seen(
        "a.js",
        'const jwt = require("jsonwebtoken");\nconst JWT_SECRET = "hunter2hunter2";\njwt.sign({}, "hunter2hunter2");',
    )
    assert isinstance(tmp_path, Path)
    assert "hunter2" not in repr(sights(tmp_path).seen)

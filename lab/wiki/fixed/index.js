const crypto = require("crypto");
const fs = require("fs");
const https = require("https");

const cors = require("cors");
const express = require("express");
const { rateLimit } = require("express-rate-limit");
const jwt = require("jsonwebtoken");

const SECRET = process.env.WIKI_JWT_SECRET;
const CLAIMS = { algorithms: ["HS256"], issuer: "https://wiki.example", audience: "wiki-api" };
const log = fs.createWriteStream(process.env.WIKI_LOG || "wiki.log", { flags: "a" });

const stretch = (password, salt) => crypto.scryptSync(password, salt, 32);
const DUMMY = { salt: crypto.randomBytes(16), hash: crypto.randomBytes(32) };
// id, name, email, role, salt and hash (hex), made by the invitation script
const users = JSON.parse(fs.readFileSync(process.env.WIKI_USERS, "utf8"));
const pages = [
  { id: 1, title: "Welcome", body: "Start here.", author: 1, reviewedBy: 2 },
  { id: 2, title: "Holidays", body: "Ask Emil.", author: 2, reviewedBy: 1 },
];
const drafts = [
  { id: 11, owner: 1, title: "Salaries 2025", body: "not for everybody" },
  { id: 12, owner: 2, title: "My notice", body: "not yet" },
];

const userOut = ({ id, name, email, role }) => ({ id, name, email, role });
const pageOut = ({ id, title, body, author }) => ({ id, title, body, author });
const draftOut = ({ id, title, body }) => ({ id, title, body });

function problem(res, status, title) {
  if (status === 401) res.set("WWW-Authenticate", 'Bearer realm="wiki"');
  return res.status(status).type("application/problem+json").send(JSON.stringify({ type: "about:blank", title, status }));
}

const tooMany = (req, res) => problem(res, 429, "Too many requests");
const limiter = rateLimit({ windowMs: 10_000, limit: 150, standardHeaders: "draft-6", legacyHeaders: false, handler: tooMany });
const logins = rateLimit({ windowMs: 60_000, limit: 10, standardHeaders: "draft-6", legacyHeaders: false, handler: tooMany });

const app = express();
app.disable("x-powered-by");
app.use((req, res, next) => {
  req.id = crypto.randomUUID();
  res.set("X-Request-Id", req.id);
  res.set("Strict-Transport-Security", "max-age=31536000");
  const path = req.path;
  res.on("finish", () => {
    const { id, method, ip } = req;
    log.write(
      `${JSON.stringify({ at: new Date().toISOString(), id, ip, method, path, status: res.statusCode, user: req.user?.id ?? null, refused: req.refused })}\n`,
    );
  });
  next();
});
app.use(cors({ origin: ["https://app.wiki.example"], methods: ["GET", "POST", "PUT", "DELETE"], allowedHeaders: ["Authorization", "Content-Type"] }));
app.use(limiter);
app.use(express.json({ limit: "64kb" }));

function auth(req, res, next) {
  const [scheme, token] = (req.headers.authorization || "").split(" ");
  try {
    if (scheme?.toLowerCase() !== "bearer") throw new jwt.JsonWebTokenError("no bearer token");
    const claims = jwt.verify(token, SECRET, CLAIMS);
    req.user = users.find((one) => one.id === Number(claims.sub));
    if (!req.user) throw new jwt.JsonWebTokenError("unknown subject");
  } catch (error) {
    if (!(error instanceof jwt.JsonWebTokenError)) return next(error);
    req.refused = error.message;
    return problem(res, 401, "Not authenticated");
  }
  next();
}

function admin(req, res, next) {
  return req.user.role === "admin" ? next() : problem(res, 403, "For administrators");
}

function strings(given, limits) {
  return given !== null && typeof given === "object" && Object.keys(given).every((name) => name in limits)
    && Object.entries(limits).every(([name, most]) => typeof given[name] === "string" && given[name].length <= most);
}

const cut = (req, all) => {
  const limit = Math.min(Math.max(Number.parseInt(req.query.limit, 10) || 50, 1), 100);
  const after = Number.parseInt(req.query.after, 10) || 0;
  return all.filter((one) => one.id > after).slice(0, limit);
};

app.post("/login", logins, (req, res) => {
  if (!strings(req.body, { email: 200, password: 200 })) return problem(res, 422, "Not as described");
  const user = users.find((one) => one.email === req.body.email);
  const { salt, hash } = user ? { salt: Buffer.from(user.salt, "hex"), hash: Buffer.from(user.hash, "hex") } : DUMMY;
  const same = crypto.timingSafeEqual(stretch(req.body.password, salt), hash);
  if (!user || !same) {
    req.refused = "login";
    return problem(res, 401, "Wrong email or password");
  }
  const { issuer, audience } = CLAIMS;
  res.json({ token: jwt.sign({}, SECRET, { algorithm: "HS256", subject: String(user.id), expiresIn: "1h", issuer, audience }) });
});

app.get("/pages", auth, (req, res) => res.json(cut(req, pages).map(pageOut)));

app.post("/pages", auth, (req, res) => {
  if (!strings(req.body, { title: 200, body: 20000 })) return problem(res, 422, "Not as described");
  const page = { id: pages.length + 1, author: req.user.id, title: req.body.title, body: req.body.body };
  pages.push(page);
  res.status(201).json(pageOut(page));
});

app.get("/pages/:id", auth, (req, res) => {
  const page = pages.find((one) => one.id === Number(req.params.id));
  return page ? res.json(pageOut(page)) : problem(res, 404, "No such page");
});

app.get("/drafts", auth, (req, res) => res.json(cut(req, drafts.filter((one) => one.owner === req.user.id)).map(draftOut)));

app.get("/drafts/:id", auth, (req, res) => {
  const draft = drafts.find((one) => one.id === Number(req.params.id) && one.owner === req.user.id);
  return draft ? res.json(draftOut(draft)) : problem(res, 404, "No such draft");
});

app.get("/me", auth, (req, res) => res.json(userOut(req.user)));

app.put("/me", auth, (req, res) => {
  if (!strings(req.body, { name: 100 })) return problem(res, 422, "Not as described");
  req.user.name = req.body.name;
  res.json(userOut(req.user));
});

app.get("/admin/users", auth, admin, (req, res) => res.json(cut(req, users).map(userOut)));

app.use((req, res) => problem(res, 404, "Not found"));
app.use((error, req, res, next) => {
  const status = error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status === 500) log.write(`${JSON.stringify({ id: req.id, error: error.stack })}\n`);
  problem(res, status, status === 500 ? "Internal error" : "Bad request");
});

const tls = { cert: fs.readFileSync(process.env.WIKI_CERT), key: fs.readFileSync(process.env.WIKI_CERT_KEY), minVersion: "TLSv1.2" };
https.createServer(tls, app).listen(Number(process.env.PORT || 8443), "127.0.0.1");

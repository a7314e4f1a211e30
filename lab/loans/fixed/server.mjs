// The tool library: who has borrowed the good drill. GraphQL, one endpoint.
import crypto from "node:crypto";
import { createWriteStream, readFileSync } from "node:fs";
import https from "node:https";

import { buildSchema, GraphQLError, Kind, NoSchemaIntrospectionCustomRule, specifiedRules, validate } from "graphql";
import { createHandler } from "graphql-http/lib/use/http";

const out = createWriteStream(process.env.LOANS_LOG || "loans.log", { flags: "a" });
const ORIGINS = new Set(["https://tools.example"]);
const DEPTH = 5;
const FIELDS = 60;
const BURST = 120;
const RATE = 10;
const HOUR = 3600_000;

// id, name, phone, salt and hash (hex) of the pass phrase
const members = JSON.parse(readFileSync(process.env.LOANS_MEMBERS, "utf8"));
const tools = [
  { id: "1", name: "Drill" },
  { id: "2", name: "Ladder" },
];
const loans = [
  { id: crypto.randomUUID(), member: "1", tool: tools[0], until: "2025-05-01" },
  { id: crypto.randomUUID(), member: "2", tool: tools[1], until: "2025-05-03" },
];

const schema = buildSchema(`
  type Tool { id: ID! name: String! }
  type Loan { id: ID! tool: Tool! until: String! }
  type Member { id: ID! name: String! loans: [Loan!]! }
  type Query { tools(first: Int = 50): [Tool!]! loan(id: ID!): Loan me: Member! }
  type Mutation { borrow(tool: ID!): Loan! }
`);

const sessions = new Map();
const digest = (text) => crypto.createHash("sha256").update(text).digest("hex");
const known = (message) => new GraphQLError(message, { extensions: { code: "REFUSED" } });

function bounded(context) {
  const count = { fields: 0 };
  const walk = (node, depth) => {
    if (node.kind === Kind.FRAGMENT_SPREAD) return context.reportError(new GraphQLError("no fragments"));
    for (const one of node.selectionSet?.selections ?? []) {
      count.fields += 1;
      if (depth > DEPTH || count.fields > FIELDS) return context.reportError(new GraphQLError("too large a query"));
      walk(one, depth + 1);
    }
    return undefined;
  };
  return { OperationDefinition: (node) => walk(node, 1) };
}

const buckets = new Map();
function wait(key, burst, rate) {
  const now = Date.now() / 1000;
  const [left, then] = buckets.get(key) ?? [burst, now];
  const tokens = Math.min(burst, left + (now - then) * rate);
  buckets.set(key, [tokens >= 1 ? tokens - 1 : tokens, now]);
  return tokens >= 1 ? 0 : Math.ceil((1 - tokens) / rate);
}

const rootValue = {
  tools: ({ first }) => tools.slice(0, Math.min(Math.max(first, 0), 100)),
  me: (_, context) => ({
    id: context.member.id,
    name: context.member.name,
    loans: loans.filter((one) => one.member === context.member.id),
  }),
  loan: ({ id }, context) => loans.find((one) => one.id === id && one.member === context.member.id),
  borrow: ({ tool }, context) => {
    const found = tools.find((one) => one.id === tool);
    if (!found) throw known("no such tool");
    const loan = { id: crypto.randomUUID(), member: context.member.id, tool: found, until: "2025-06-01" };
    loans.push(loan);
    return loan;
  },
};

const handler = createHandler({
  schema,
  rootValue,
  context: (req) => ({ member: req.raw.member }),
  validationRules: [...specifiedRules, NoSchemaIntrospectionCustomRule, bounded],
  validate: (...args) => validate(...args).map((one) => new GraphQLError(one.message.replace(/ Did you mean .*$/, ""))),
  formatError: (error) => {
    if (error.extensions?.code === "REFUSED" || !error.originalError) return new GraphQLError(error.message.replace(/ Did you mean .*$/, ""));
    out.write(`${JSON.stringify({ error: error.originalError.stack })}\n`);
    return new GraphQLError("internal error");
  },
});

function problem(res, status, title, fields = {}) {
  res.writeHead(status, { "Content-Type": "application/problem+json", ...fields });
  res.end(JSON.stringify({ type: "about:blank", title, status }));
}

function logIn(req, res) {
  let text = "";
  req.on("data", (piece) => {
    text += piece;
    if (text.length > 2000) req.destroy();
  });
  req.on("end", () => {
    let given = {};
    try {
      given = JSON.parse(text) ?? {};
    } catch {
      return problem(res, 422, "Not JSON");
    }
    const found = members.find((one) => one.name === given.name);
    const salt = Buffer.from(found?.salt ?? "00", "hex");
    const made = crypto.scryptSync(String(given.phrase), salt, 32);
    if (!found || !crypto.timingSafeEqual(made, Buffer.from(found.hash, "hex"))) {
      req.refused = "login";
      return problem(res, 401, "Wrong name or phrase", { "WWW-Authenticate": "Bearer" });
    }
    const token = crypto.randomBytes(32).toString("base64url");
    sessions.set(digest(token), { member: found, until: Date.now() + HOUR });
    res.writeHead(200, { "Content-Type": "application/json" });
    return res.end(JSON.stringify({ token }));
  });
}

const tls = { cert: readFileSync(process.env.LOANS_CERT), key: readFileSync(process.env.LOANS_CERT_KEY), minVersion: "TLSv1.2" };
https
  .createServer(tls, (req, res) => {
    const id = crypto.randomUUID();
    const path = req.url.split("?")[0];
    const address = req.socket.remoteAddress;
    res.setHeader("X-Request-Id", id);
    res.setHeader("Strict-Transport-Security", "max-age=31536000");
    res.setHeader("Vary", "Origin");
    if (ORIGINS.has(req.headers.origin)) {
      res.setHeader("Access-Control-Allow-Origin", req.headers.origin);
      res.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type");
    }
    res.on("finish", () => {
      const { method, refused } = req;
      const line = { at: new Date().toISOString(), id, address, method, path, status: res.statusCode, member: req.member?.id ?? null, refused };
      out.write(`${JSON.stringify(line)}\n`);
    });
    const seconds = wait(address, BURST, RATE) || (path === "/login" ? wait(`login ${address}`, 10, 0.1) : 0);
    if (seconds) return problem(res, 429, "Too many requests", { "Retry-After": String(seconds) });
    if (path === "/login" && req.method === "POST") return logIn(req, res);
    if (path === "/graphql" && req.method === "OPTIONS") return res.writeHead(204).end();
    if (path !== "/graphql") return problem(res, 404, "Not found");
    if (req.method !== "POST") return problem(res, 405, "POST only", { Allow: "POST" });
    const [scheme, token] = (req.headers.authorization ?? "").split(" ");
    const session = scheme.toLowerCase() === "bearer" && sessions.get(digest(token ?? ""));
    if (!session || session.until < Date.now()) {
      req.refused = token ? "token" : "no credential";
      return problem(res, 401, "Not authenticated", { "WWW-Authenticate": "Bearer" });
    }
    req.member = session.member;
    return handler(req, res);
  })
  .listen(Number(process.env.PORT || 8443), "127.0.0.1");

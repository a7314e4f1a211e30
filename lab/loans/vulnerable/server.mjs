// The tool library: who has borrowed the good drill. GraphQL, one endpoint.
import { createWriteStream } from "node:fs";
import http from "node:http";

import { buildSchema, GraphQLError } from "graphql";
import { createHandler } from "graphql-http/lib/use/http";

const out = createWriteStream(process.env.LOANS_LOG || "loans.log", { flags: "a" });
const allowed = ["https://tools.example", "null"]; // "null" is the desktop application

const members = [
  { id: "1", name: "Petra", pin: "4821", phone: "+386 40 111 222" },
  { id: "2", name: "Ravi", pin: "1177", phone: "+386 40 333 444" },
];
const tools = [
  { id: "1", name: "Drill", loans: [] },
  { id: "2", name: "Ladder", loans: [] },
];
const loans = [
  { id: "101", member: members[0], tool: tools[0], until: "2025-05-01" },
  { id: "102", member: members[1], tool: tools[1], until: "2025-05-03" },
];
for (const loan of loans) loan.tool.loans.push(loan);

const schema = buildSchema(`
  type Member { id: ID! name: String! phone: String pin: String loans: [Loan!]! }
  type Tool { id: ID! name: String! loans: [Loan!]! }
  type Loan { id: ID! member: Member! tool: Tool! until: String! }
  type Query { tools: [Tool!]! loan(id: ID!): Loan me: Member }
  type Mutation { login(name: String!, pin: String!): String borrow(tool: ID!): Loan }
`);
for (const member of members) member.loans = () => loans.filter((one) => one.member === member);

let last = 1000;
const tokens = new Map();
function need(context) {
  if (!context.member) throw new GraphQLError("log in first");
  return context.member;
}

const rootValue = {
  tools: () => tools,
  loan: ({ id }, context) => need(context) && loans.find((one) => one.id === id),
  me: (_, context) => need(context),
  login: ({ name, pin }) => {
    out.write(`login name=${name} pin=${pin}\n`);
    const found = members.find((one) => one.name === name && one.pin === pin);
    if (!found) throw new Error(`no member ${name} with pin ${pin} in ${import.meta.filename}`);
    last += 1;
    tokens.set(`tool-${last}`, found);
    return `tool-${last}`;
  },
  borrow: ({ tool }, context) => {
    const loan = { id: String(101 + loans.length), member: need(context), tool: tools.find((one) => one.id === tool), until: "2025-06-01" };
    loans.push(loan);
    return loan;
  },
};

const handler = createHandler({
  schema,
  rootValue,
  context: (req) => ({ member: tokens.get(req.headers["x-auth-token"]) }),
  formatError: (error) => new GraphQLError(error.message, { extensions: { stack: (error.originalError || error).stack } }),
});

http
  .createServer((req, res) => {
    const origin = req.headers.origin;
    if (origin && allowed.includes(origin)) {
      res.setHeader("Access-Control-Allow-Origin", origin);
      res.setHeader("Access-Control-Allow-Credentials", "true");
      res.setHeader("Access-Control-Allow-Headers", "Content-Type, X-Auth-Token");
    }
    if (req.method === "OPTIONS") return res.writeHead(204).end();
    if (req.url.startsWith("/graphql")) return handler(req, res);
    res.writeHead(404).end("Cannot find " + req.url);
  })
  .listen(Number(process.env.PORT || 4000), "127.0.0.1");

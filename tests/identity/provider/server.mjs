// An authorization server (oidc-provider) for tests: client credentials, JWT and opaque tokens, DPoP, introspection,
// and keys that are rotated by a request. Prints its port.
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const AUDIENCES = { 'https://things.example.com': 'jwt', 'https://opaque.example.com': 'opaque' };

async function key(kid, alg = 'ES256') {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' };
}

function provider(issuer, keys) {
  return new Provider(issuer, {
    clients: [
      {
        client_id: 'app', client_secret: 'app-secret-app-secret-app-secret', grant_types: ['client_credentials'],
        redirect_uris: [], response_types: [], scope: 'things:read things:write', id_token_signed_response_alg: 'ES256',
      },
      {
        client_id: 'gate', client_secret: 'gate-secret-gate-secret-gate-secret', grant_types: [], redirect_uris: [], response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys },
    scopes: ['things:read', 'things:write'],
    ttl: { ClientCredentials: 300 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => false },
      introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === 'gate' },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => ({
          audience: resource, scope: 'things:read things:write', accessTokenFormat: AUDIENCES[resource],
          accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
}

let keys = [await key('one')];
let current;
const store = createServer(async (request, response) => {
  if (request.url === '/rotate') {
    // the new key signs, the old one is still published; as providers do
    keys = [await key(`k${Date.now()}`), ...keys.slice(0, 1)];
    current = provider(issuer, keys).callback();
    response.end();
  } else if (request.url === '/drop') {
    keys = keys.slice(0, 1);
    current = provider(issuer, keys).callback();
    response.end();
  } else {
    current(request, response);
  }
});
let issuer;
store.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${store.address().port}`;
  current = provider(issuer, keys).callback();
  console.log(store.address().port);
});

// What openid-client gets from the token service: told on standard input, the outcome on standard output, both as JSON.
import { readFileSync } from 'node:fs'
import * as oauth from 'openid-client'

const { issuer, bound, app, redirect, robot, key, keyId, name, password } = JSON.parse(readFileSync(0))
const options = { execute: [oauth.allowInsecureRequests] }
const outcome = {}

const found = (id, proof, algorithm = 'oauth2') =>
  oauth.discovery(new URL(issuer), id, undefined, proof, { ...options, algorithm })

async function signedIn(config, more = {}, change = {}) {
  const verifier = oauth.randomPKCECodeVerifier()
  const state = oauth.randomState()
  const url = oauth.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope: 'things:read', state, code_challenge_method: 'S256',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), ...change,
  })
  const body = new URLSearchParams({ username: name, password, decision: 'allow' })
  const answer = await fetch(url, { method: 'POST', body, redirect: 'manual' })
  const back = new URL(answer.headers.get('location'))
  return oauth.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state }, undefined, more)
}

const kept = ({ access_token, token_type, expires_in, scope }) => ({ access_token, token_type, expires_in, scope })

const proving = async (config) =>
  bound ? { DPoP: oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256')) } : {}

const browser = await found(app, oauth.None())
outcome.metadata = browser.serverMetadata()
const held = await proving(browser)
outcome.code = kept(await signedIn(browser, held))
// the same where a client looks for OpenID Connect first
const other = await found(app, oauth.None(), 'oidc')
outcome.oidc = kept(await signedIn(other, await proving(other)))
if (bound) {
  outcome.boundCode = kept(await signedIn(browser, held, { dpop_jkt: await held.DPoP.calculateThumbprint() }))
}

const pair = await crypto.subtle.importKey('jwk', robot, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const machine = await found('robot', oauth.PrivateKeyJwt(pair))
outcome.robot = kept(await oauth.clientCredentialsGrant(machine, { scope: 'things:read' }, await proving(machine)))

const holder = await found(keyId, oauth.ClientSecretBasic(key))
outcome.basic = kept(await oauth.clientCredentialsGrant(holder, {}, await proving(holder)))
const exchange = { subject_token: key, subject_token_type: 'urn:ninefold:token-type:api-key' }
const bare = await found(keyId, oauth.None())
outcome.exchange = kept(await oauth.genericGrantRequest(
  bare, 'urn:ietf:params:oauth:grant-type:token-exchange', exchange, await proving(bare),
))

const refused = async (attempt) => {
  try {
    await attempt()
  } catch (fault) {
    return fault.error ?? fault.code ?? String(fault)
  }
  return 'nothing was wrong'
}
outcome.refused = {
  wrongKey: await refused(async () => oauth.clientCredentialsGrant(await found(keyId, oauth.ClientSecretBasic(`${key}x`)), {})),
  scope: await refused(() => oauth.clientCredentialsGrant(machine, { scope: 'things:write' })),
  openid: await refused(() => signedIn(browser, {}, { scope: 'openid' })),
}
process.stdout.write(JSON.stringify(outcome))

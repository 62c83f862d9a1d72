// An OpenID Connect provider that is none of ours (npm oidc-provider, certified), for tests of key managers elsewhere.
// Its registered clients live in a file, so that it can be started again with other signing keys.
import fs from "node:fs";
import Provider from "oidc-provider";

const { PORT, STORE, JWKS, INITIAL_TOKEN, AUDIENCE, FORMAT } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
const rows = new Map(fs.existsSync(STORE) ? JSON.parse(fs.readFileSync(STORE)) : []);
const keep = () => fs.writeFileSync(STORE, JSON.stringify([...rows]));

class FileAdapter {
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload) { rows.set(this.key(id), payload); keep(); }
  async find(id) { return rows.get(this.key(id)); }
  async findByUserCode() { return undefined; }
  async findByUid() { return undefined; }
  async consume() {}
  async destroy(id) { rows.delete(this.key(id)); keep(); }
  async revokeByGrantId() {}
}

const provider = new Provider(issuer, {
  adapter: FileAdapter,
  jwks: JSON.parse(fs.readFileSync(JWKS)),
  scopes: ["openid", "orders:read"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    registration: { enabled: true, initialAccessToken: INITIAL_TOKEN },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => AUDIENCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "orders:read", audience: AUDIENCE, accessTokenTTL: 600, accessTokenFormat: FORMAT, jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  extraTokenClaims: (ctx, token) => ({ app_ref: token.clientId, team: "blue" }),
});
provider.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));

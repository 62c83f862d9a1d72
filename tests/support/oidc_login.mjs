// An OpenID Connect provider that is none of ours (npm oidc-provider, certified), with people who log in on its own forms.
import Provider from "oidc-provider";

const { PORT, CLIENT, PEOPLE } = process.env;
const people = JSON.parse(PEOPLE);

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [JSON.parse(CLIENT)],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username", "given_name", "family_name", "groups"] },
  findAccount: (ctx, id) => (people[id] ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined),
  pkce: { required: () => true },
});
provider.listen(Number(PORT), "127.0.0.1");

import { z } from "zod";
import { scopes } from "#lib/auth/actor.ts";
import { email, givenPassword, newPassword } from "#lib/auth/schema.ts";
import {
  credentials,
  displayName,
  knownName,
  namespaceList,
  namespacePage,
  namespaceQuery,
  newAccount,
  newOrganisation,
  role,
} from "#lib/catalog/namespaces/schema.ts";
import { plainName } from "#lib/catalog/plain-text.ts";
import { quotaChange, quotaView } from "#lib/catalog/quotas/schema.ts";
import { operation } from "#lib/http/operation.ts";
import { pageOf } from "#lib/page.ts";

const BODY_LIMIT = 16 * 1024; // none of these is a tenth of it

const scope = z
  .enum(scopes)
  .meta({ description: "read: what you may see · write: change repos and upload · run: previews and checks" });
const id = z.object({
  id: z
    .string()
    .max(64)
    .regex(/^[\w-]+$/, "it is no id"),
});
const namespaceParams = z.object({ name: knownName });
const memberParams = z.object({ name: knownName, username: knownName });
const signedIn = z
  .object({ username: z.string() })
  .meta({ description: "The session is in the cookie that comes with it." });

export const createAccount = operation({
  id: "createAccount",
  method: "POST",
  path: "/api/v1/accounts",
  summary: "Sign up",
  tag: "account",
  scope: null,
  permission: "anyone",
  body: newAccount,
  bodyLimit: BODY_LIMIT,
  status: 201,
  response: signedIn,
  failures: ["forbidden", "conflict", "too_large", "rate_limited"],
});

export const createSession = operation({
  id: "createSession",
  method: "POST",
  path: "/api/v1/sessions",
  summary: "Sign in",
  tag: "account",
  scope: null,
  permission: "anyone",
  body: credentials,
  bodyLimit: BODY_LIMIT,
  status: 201,
  response: signedIn,
  failures: ["unauthenticated", "forbidden", "too_large", "rate_limited"],
});

export const deleteSession = operation({
  id: "deleteSession",
  method: "DELETE",
  path: "/api/v1/sessions/current",
  summary: "Sign out",
  tag: "account",
  scope: null,
  permission: "anyone",
  status: 204,
  failures: ["forbidden"],
});

const me = z.object({
  id: z.string(),
  username: z.string(),
  name: z.string(),
  email: z.string(),
  isOperator: z.boolean(),
  createdAt: z.iso.datetime(),
  scopes: z.array(scope).meta({ description: "what this session or token may do" }),
  quota: quotaView.meta({ description: "what is used of what you may have" }),
  organisations: z.array(z.object({ name: z.string(), displayName: z.string().nullable(), role })),
});

export const getMe = operation({
  id: "getMe",
  method: "GET",
  path: "/api/v1/me",
  summary: "Who you are",
  tag: "account",
  scope: "read",
  permission: "person",
  status: 200,
  response: me,
  failures: [],
});

export const updateMe = operation({
  id: "updateMe",
  method: "PATCH",
  path: "/api/v1/me",
  summary: "Change the name that is shown",
  tag: "account",
  scope: "write",
  permission: "person",
  body: z.strictObject({ name: displayName.min(1, "it must not be empty") }),
  bodyLimit: BODY_LIMIT,
  status: 204,
  failures: ["too_large"],
});

export const changePassword = operation({
  id: "changePassword",
  method: "POST",
  path: "/api/v1/me/password",
  summary: "Change your password, and sign out everywhere else; your access tokens stay unless you say so",
  tag: "account",
  scope: "write",
  permission: "session",
  body: z.strictObject({
    current: givenPassword,
    new: newPassword,
    revokeTokens: z.boolean().default(false).meta({ description: "whether your access tokens end as well" }),
  }),
  bodyLimit: BODY_LIMIT,
  status: 204,
  failures: ["too_large", "rate_limited"],
});

const token = z.object({
  id: z.string(),
  name: z.string(),
  start: z.string().meta({ description: "its first characters" }),
  scopes: z.array(scope),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().nullable().meta({ description: "to the minute" }),
  expiresAt: z.iso.datetime().nullable(),
});

export const createToken = operation({
  id: "createToken",
  method: "POST",
  path: "/api/v1/tokens",
  summary: "Make an access token; needs a session",
  tag: "account",
  scope: "write",
  permission: "session",
  body: z.strictObject({
    name: plainName(100).min(1, "it must not be empty").meta({ description: "to tell it from others: “laptop”" }),
    scopes: z.array(scope).min(1, "give one at least").max(scopes.length),
    expiresInDays: z.int().min(1).max(3650).optional().meta({ description: "never, where nothing is said" }),
  }),
  bodyLimit: BODY_LIMIT,
  status: 201,
  response: token.extend({ secret: z.string().meta({ description: "hf_…; told this once" }) }),
  failures: ["conflict", "too_large"],
});

export const listTokens = operation({
  id: "listTokens",
  method: "GET",
  path: "/api/v1/tokens",
  summary: "Your access tokens; needs a session",
  tag: "account",
  scope: "read",
  permission: "session",
  status: 200,
  response: pageOf(token),
  failures: [],
});

export const deleteToken = operation({
  id: "deleteToken",
  method: "DELETE",
  path: "/api/v1/tokens/{id}",
  summary: "Delete an access token; needs a session",
  tag: "account",
  scope: "write",
  permission: "owner of the token",
  params: id,
  status: 204,
  failures: ["not_found"],
});

const invitation = z.object({
  id: z.string(),
  email: z.string().nullable().meta({ description: "whom it is for; null: whoever has the link" }),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
});

export const createInvitation = operation({
  id: "createInvitation",
  method: "POST",
  path: "/api/v1/invitations",
  summary: "Invite somebody; for operators, needs a session",
  tag: "account",
  scope: "write",
  permission: "operator",
  body: z.strictObject({ email: email.optional(), expiresInHours: z.int().min(1).max(720).default(72) }),
  bodyLimit: BODY_LIMIT,
  status: 201,
  response: invitation.extend({ url: z.string().meta({ description: "lets one person sign up; told this once" }) }),
  failures: ["conflict", "too_large"],
});

export const listInvitations = operation({
  id: "listInvitations",
  method: "GET",
  path: "/api/v1/invitations",
  summary: "Invitations that can still be used; for operators, needs a session",
  tag: "account",
  scope: "read",
  permission: "operator",
  status: 200,
  response: pageOf(invitation),
  failures: [],
});

export const revokeInvitation = operation({
  id: "revokeInvitation",
  method: "DELETE",
  path: "/api/v1/invitations/{id}",
  summary: "Revoke an invitation; for operators, needs a session",
  tag: "account",
  scope: "write",
  permission: "operator",
  params: id,
  status: 204,
  failures: ["not_found"],
});

export const createOrganisation = operation({
  id: "createOrganisation",
  method: "POST",
  path: "/api/v1/namespaces",
  summary: "Make an organisation; needs a session",
  tag: "account",
  scope: "write",
  permission: "session",
  body: newOrganisation,
  bodyLimit: BODY_LIMIT,
  status: 201,
  response: namespacePage,
  failures: ["conflict", "too_large"],
});

export const listNamespaces = operation({
  id: "listNamespaces",
  method: "GET",
  path: "/api/v1/namespaces",
  summary: "People and organisations that have something you may see",
  tag: "account",
  scope: null,
  permission: "anyone",
  query: namespaceQuery,
  status: 200,
  response: namespaceList,
  failures: ["unauthenticated"],
});

export const getNamespace = operation({
  id: "getNamespace",
  method: "GET",
  path: "/api/v1/namespaces/{name}",
  summary: "A person or organisation",
  tag: "account",
  scope: null,
  permission: "anyone",
  params: namespaceParams,
  status: 200,
  response: namespacePage,
  failures: ["unauthenticated", "not_found"],
});

export const setQuota = operation({
  id: "setQuota",
  method: "PUT",
  path: "/api/v1/namespaces/{name}/quota",
  summary: "What a person or organisation may have; for operators, needs a session",
  tag: "account",
  scope: "write",
  permission: "operator",
  params: namespaceParams,
  body: quotaChange,
  status: 200,
  response: quotaView,
  failures: ["not_found"],
});

export const setMember = operation({
  id: "setMember",
  method: "PUT",
  path: "/api/v1/namespaces/{name}/members/{username}",
  summary: "Take somebody in, or give them another role; for owners, needs a session",
  tag: "account",
  scope: "write",
  permission: "owner of the organisation",
  params: memberParams,
  body: z.strictObject({ role }),
  bodyLimit: BODY_LIMIT,
  status: 200,
  response: namespacePage,
  failures: ["not_found", "conflict", "too_large"],
});

export const removeMember = operation({
  id: "removeMember",
  method: "DELETE",
  path: "/api/v1/namespaces/{name}/members/{username}",
  summary: "Take somebody out, or leave; for owners and for yourself, needs a session",
  tag: "account",
  scope: "write",
  permission: "owner of the organisation, or the member",
  params: memberParams,
  status: 204,
  failures: ["not_found", "conflict"],
});

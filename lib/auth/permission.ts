/**
 * What somebody must be to what a request names, beside having the scope. An endpoint declares one of these; the data layer is where
 * it is asked for, and `tests/unit/auth/permissions.test.ts` holds both against each other, for every endpoint and everybody.
 */
export const permissions = {
  anyone: "Anybody may; what is told is what they may see.",
  person: "Somebody who is signed in.",
  session: "Somebody who is signed in with a password: no token.",
  operator: "An operator of the hub, signed in with a password: no token.",
  "owner of the token": "Whose access token it is, signed in with a password: no token.",
  "owner of the organisation": "An owner of the organisation, signed in with a password: no token.",
  "owner of the organisation, or the member":
    "An owner, or the member themselves, signed in with a password: no token.",
  "writer of the namespace": "Whoever may create repos there.",
  "reader of the repo": "Whoever may see the repo.",
  "writer of the repo": "Writers and owners of the repo.",
  "owner of the repo": "Owners of the repo.",
  "reader of both repos": "Whoever may see the model's repo and the guide's.",
  "reader of both repos, who is asked":
    "Whoever may see the model's repo and the guide's and is signed in; where the operator asks anybody, also who is not.",
  "waiter for the measurement, or writer": "Who asked for it, and who may write to the model's repo or the guide's.",
  "beginner of the upload": "Who began the upload.",
  "seer of the preview": "Who asked for it; whoever may see both repos where it is shown on the model's page.",
  "asker of the preview": "Who asked for it.",
  "writer of the preview's model": "Who may write to the model's repo and see the preview.",
  "seer of the job": "Who began it; for inspections and measurements whoever may see what is read.",
  "canceller of the job": "Who may cancel what the job is for, with the scope that this takes.",
  "rerunner of the job": "Who may ask anew for what the job is for, with the scope that this takes.",
  "holder of the address": "Whoever holds the signed address.",
} as const satisfies Record<string, string>;

export type Permission = keyof typeof permissions;

/** Those that a token never has, whatever its scopes: what is lost with it must not grow. */
export const needsSession: ReadonlySet<Permission> = new Set<Permission>([
  "session",
  "operator",
  "owner of the token",
  "owner of the organisation",
  "owner of the organisation, or the member",
]);

/** What a token may be used for. A session may do all of it. */
export const scopes = ["read", "write", "run"] as const;

/** read: what its person may see · write: change repos and upload · run: previews and checks */
export type Scope = (typeof scopes)[number];

/** Somebody who is signed in, by a session or with a token. */
export interface Person {
  readonly kind: "person";
  readonly userId: string;
  /** The name of their namespace: “ann”. */
  readonly name: string;
  /** May do everything on this hub. */
  readonly isOperator: boolean;
  readonly scopes: ReadonlySet<Scope>;
  /** Null for a session. */
  readonly tokenId: string | null;
  /** Of a session. */
  readonly sessionId?: string;
}

export interface Anonymous {
  readonly kind: "anonymous";
}

/** The hub itself: a worker that stores what it made, the sweeper, the loading of the starter collection. */
export interface Hub {
  readonly kind: "hub";
}

/** Who is asking. */
export type Actor = Person | Anonymous | Hub;

export const anonymous: Anonymous = { kind: "anonymous" };
export const hub: Hub = { kind: "hub" };

/** What somebody came by, as a name: requests that share it come from the same, who may do the same. */
export const credentialOf = (actor: Actor): string =>
  actor.kind === "person"
    ? JSON.stringify([actor.userId, actor.tokenId, actor.sessionId ?? null, actor.isOperator])
    : actor.kind;

/**
 * All that is written down in the outbox, and what its `subjectId` is the id of. What people do is kept for ever, for that is what an
 * audit is for; what happens to jobs is kept for JOB_EVENT_DAYS.
 */
export const outboxKinds = {
  "account.create": "person",
  "password.change": "person",
  "token.create": "token",
  "token.delete": "token",
  "invitation.create": "invitation",
  "invitation.revoke": "invitation",

  "namespace.create": "namespace",
  "quota.set": "namespace",
  "member.set": "namespace",
  "member.remove": "namespace",

  "repo.create": "repo",
  "repo.update": "repo",
  "repo.commit": "repo",
  "repo.delete": "repo",
  "repo.purge": "repo",
  "ref.create": "repo",
  "ref.delete": "repo",
  "preview.attach": "preview",
  "evaluator.install": "evaluator",
  "evaluator.remove": "evaluator",

  /** Once in a hub's life. */
  "starter.load": "hub",
  "starter.evaluator": "hub",

  /** What is drawn in a period: promised by its hash, and told when it is over. */
  "period.promise": "hub",
  "period.tell": "hub",

  "job.queued": "job",
  "job.started": "job",
  "job.progress": "job",
  "job.retried": "job",
  "job.succeeded": "job",
  "job.failed": "job",
  "job.cancelled": "job",
} as const;

export type OutboxKind = keyof typeof outboxKinds;

/** Of a job; its subject is what the job is about: an upload, an inspection, a pair, a preview, a study of a pair. */
export type JobEventKind = OutboxKind extends infer K ? (K extends `job.${infer Event}` ? Event : never) : never;

/** What somebody did. */
export type AuditKind = Exclude<OutboxKind, `job.${string}`>;

export const auditKinds = Object.keys(outboxKinds).filter((kind) => !kind.startsWith("job.")) as AuditKind[];

export const JOB_EVENT_DAYS = 90;

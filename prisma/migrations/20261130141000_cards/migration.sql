-- What stands in a file of Markdown, so that no page reads or lays one out. Empty at first: each is read when somebody looks at it.

CREATE TABLE "markdown" (
    "sha256" TEXT NOT NULL,
    "reader" INTEGER NOT NULL,
    "front_matter" JSONB NOT NULL,
    "facts" JSONB NOT NULL,
    "text" TEXT NOT NULL,
    "html" TEXT,
    "problem" TEXT,
    "is_cut" BOOLEAN NOT NULL,
    "warnings" TEXT[],
    "read_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "markdown_pkey" PRIMARY KEY ("sha256")
);

ALTER TABLE "markdown" ADD CONSTRAINT "markdown_sha256_fkey" FOREIGN KEY ("sha256") REFERENCES "blob"("sha256") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE markdown ADD CONSTRAINT markdown_is_html_or_says_why_not CHECK ((html IS NULL) = (problem IS NOT NULL));

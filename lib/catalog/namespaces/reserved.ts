/**
 * Names that stand first in an address of ours, or may one day: a person or organisation of that name would hide the page, or be
 * hidden by it. In small letters; no spelling of them can be taken.
 */
const addresses: ReadonlySet<string> = new Set([
  // what answers
  ..."api healthz readyz metrics status storage static assets public _next _vercel cdn resolve raw blob tree commit commits refs".split(
    " ",
  ),
  ..."favicon.ico robots.txt sitemap.xml humans.txt security.txt ads.txt manifest.json manifest.webmanifest opensearch.xml sw.js".split(
    " ",
  ),
  ..."apple-touch-icon.png icon.png icon.svg opengraph-image llms.txt".split(" "),
  // the account
  ..."join sign-in sign-out sign-up signin signout signup login logout register auth oauth account accounts password reset verify".split(
    " ",
  ),
  ..."settings profile me user users organisation organisations organization organizations org orgs members invitations tokens".split(
    " ",
  ),
  ..."sessions notifications admin operator operators audit billing".split(" "),
  // what is shown
  ..."new create edit upload uploads import export browse explore search discover trending tags compare matrix studio generate".split(
    " ",
  ),
  ..."distil distill distillations models model guides guide bases base finetunes finetune fine-tunes datasets spaces collections".split(
    " ",
  ),
  ..."repos repo files pairs pair reports previews preview jobs job queue workers evaluators components home index".split(
    " ",
  ),
  // the small print
  ..."theme words docs doc help about blog news changelog contact support feedback privacy terms legal licence license imprint security".split(
    " ",
  ),
  ..."reference null undefined none true false anonymous everyone nobody".split(" "),
]);

/** Names that speak for the hub: only it may have them. */
const ours: ReadonlySet<string> = new Set(
  "guidepost hub starter official system root owner staff moderator team".split(" "),
);

export const isReserved = (name: string): boolean => addresses.has(name.toLowerCase());

export const isOurs = (name: string): boolean => ours.has(name.toLowerCase());

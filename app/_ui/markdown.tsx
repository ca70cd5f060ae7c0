import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import type { ReactElement } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";
import rehypeSanitize, { defaultSchema } from "rehype-sanitize";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";

interface MarkdownProps {
  /** Of strangers. */
  readonly text: string;
  /** Where relative addresses begin, with a slash at the end: that of files, and that of pages about files. */
  readonly files: string;
  readonly pages: string;
}

/**
 * A card as it was meant, without any HTML of its writer: tags are left out, what remains is built from a list of what may be there.
 * Pictures come from this hub only; those of other sites are links, so that nobody learns who reads a page.
 */
export function Markdown({ text, files, pages }: MarkdownProps) {
  const tree = pipeline.runSync(pipeline.parse(text));
  const content = toJsxRuntime(tree, {
    Fragment,
    jsx,
    jsxs,
    components: {
      h1: ({ children }) => <h3 className="mt-6 mb-2 text-title first:mt-0">{children}</h3>,
      h2: ({ children }) => <h3 className="mt-6 mb-2 text-title first:mt-0">{children}</h3>,
      h3: ({ children }) => <h4 className="mt-4 mb-1 font-semibold">{children}</h4>,
      h4: ({ children }) => <h5 className="mt-4 mb-1 font-semibold">{children}</h5>,
      a: ({ href, children }) => <a {...linkTo(href, pages)}>{children}</a>,
      img: ({ src, alt }) => <CardPicture src={typeof src === "string" ? src : ""} alt={alt ?? ""} files={files} />,
      table: ({ children }) => (
        <div className="overflow-x-auto" tabIndex={0} role="group" aria-label="Table">
          <table className="border-collapse [overflow-wrap:normal] [&_td]:border [&_td]:border-line [&_td]:px-3 [&_td]:py-1 [&_th]:border [&_th]:border-line [&_th]:px-3 [&_th]:py-1 [&_th]:text-left">
            {children}
          </table>
        </div>
      ),
      th: ({ children }) => (children == null || children === "" ? <td /> : <th>{children}</th>), // a table without a head has an empty one
      pre: ({ children }) => (
        <pre tabIndex={0} className="overflow-x-auto rounded border border-line bg-sunken p-3 text-small">
          {children}
        </pre>
      ),
    },
  }) as ReactElement;
  return (
    <div className="max-w-[72ch] space-y-3 [overflow-wrap:anywhere] [&_blockquote]:border-l-4 [&_blockquote]:border-line [&_blockquote]:pl-4 [&_blockquote]:text-quiet [&_ol]:list-decimal [&_ol]:pl-6 [&_ul]:list-disc [&_ul]:pl-6">
      {content}
    </div>
  );
}

const pipeline = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkRehype)
  .use(rehypeSanitize, { ...defaultSchema, clobberPrefix: "card-" });

const isElsewhere = (address: string): boolean => /^[a-z][a-z0-9+.-]*:|^\/\//i.test(address);

function linkTo(href: string | undefined, pages: string): { readonly href?: string; readonly rel?: string } {
  if (!href) return {};
  if (isElsewhere(href)) return { href, rel: "nofollow noopener noreferrer ugc" };
  if (href.startsWith("#")) return { href: `#card-${href.slice(1)}` };
  return { href: href.startsWith("/") ? href : pages + href.replace(/^(\.\/)+/, "") };
}

function CardPicture({ src, alt, files }: { readonly src: string; readonly alt: string; readonly files: string }) {
  if (isElsewhere(src)) {
    return (
      <a href={src} rel="nofollow noopener noreferrer ugc">
        {alt || "picture"} (at another site)
      </a>
    );
  }
  return (
    <img
      src={src.startsWith("/") ? src : files + src.replace(/^(\.\/)+/, "")}
      alt={alt}
      loading="lazy"
      className="inline-block max-w-full [image-rendering:pixelated]"
    />
  );
}

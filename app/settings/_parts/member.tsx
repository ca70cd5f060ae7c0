import { type NamespacePage, role } from "#lib/catalog/namespaces/schema.ts";
import { Button } from "../../_ui/button.tsx";
import { AskFirst } from "./ask-first.tsx";

interface MemberProps {
  /** The address of the organisation's settings. */
  readonly page: string;
  readonly of: string;
  readonly member: NonNullable<NamespacePage["members"]>[number];
  readonly isYou: boolean;
  readonly mayManage: boolean;
}

/** One of an organisation's people. Everybody may leave by themselves. */
export function Member({ page, of, member: { username, role: theirs }, isYou, mayManage }: MemberProps) {
  return (
    <li data-row className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b border-line py-2">
      <span className="min-w-0 [overflow-wrap:anywhere]">
        <a href={`/${username}`}>{username}</a>
        {isYou && <span className="text-quiet"> you</span>}
      </span>
      <span className="flex flex-wrap items-center gap-2">
        {mayManage ? (
          <form method="post" action={`${page}/members`} className="flex items-center gap-2">
            <input type="hidden" name="username" value={username} />
            <select
              name="role"
              defaultValue={theirs}
              aria-label={`Role of ${username}`}
              className="min-h-7 rounded border border-edge bg-raised px-1.5 text-small"
            >
              {role.options.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
            <Button type="submit" size="small" aria-label={`Change the role of ${username}`}>
              Change
            </Button>
          </form>
        ) : (
          <span className="text-small text-quiet">{theirs}</span>
        )}
        {(mayManage || isYou) && (
          <AskFirst
            id={`remove-${username}`}
            button={isYou ? "Leave" : "Remove"}
            label={isYou ? `Leave ${of}` : `Remove ${username}`}
            question={isYou ? `Leave ${of}?` : `Remove ${username} from ${of}?`}
            confirm={isYou ? "Leave it" : "Remove them"}
            action={`${page}/members/${encodeURIComponent(username)}/remove`}
          >
            {isYou ? "You see" : "They see"} its private repos no more and can change none of its repos. What was
            uploaded stays.
          </AskFirst>
        )}
      </span>
    </li>
  );
}

import { Button, ButtonLink } from "../../_ui/button.tsx";

/** For who opens the page or a link to sign up and need not: often the operator who tries their own invitation. */
export function SignedIn({ name, isInvited }: { readonly name: string; readonly isInvited: boolean }) {
  return (
    <>
      <p className="mt-2 text-quiet">
        You are signed in as <span className="font-medium text-ink [overflow-wrap:anywhere]">{name}</span>.{" "}
        {isInvited
          ? "This link is for somebody who has no account: send it to them, it was not used up. To use it yourself sign out first."
          : "To make another account sign out first."}
      </p>
      <div className="mt-5 flex flex-wrap gap-3">
        <ButtonLink href="/" look="primary">
          Continue as {name.length > 20 ? "you are" : name}
        </ButtonLink>
        <form method="post" action="/sign-out">
          <Button type="submit">Sign out</Button>
        </form>
      </div>
    </>
  );
}

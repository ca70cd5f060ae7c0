/** An address from the slash on, whatever name the hub is reached by. */
export const onThisHub = <Picture extends { readonly url: string }>(picture: Picture): Picture => {
  const { pathname, search } = new URL(picture.url, "http://hub");
  return { ...picture, url: pathname + search };
};

// Elements whose content can only ever be text.

export const byId = (id) => document.getElementById(id);

// element("p", {class: "note"}, "a < b", otherElement); a child that is null is left out.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  fill(made, ...children);
  return made;
}

export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((each) => each !== null && each !== undefined).map(
    (each) => (each instanceof Node ? each : document.createTextNode(readable(String(each)))),
  ));
}

// Characters that make a line read otherwise than it is stored are shown as unknown ones.
const readable = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

// Text of the data, whose direction of writing is its own.
export const ownText = (kind, ...children) =>
  element("bdi", {class: kind, dir: "auto"}, ...children);

export function show(shown, is = true) {
  shown.hidden = !is;
}

// Making and changing the page. All text goes through textContent, here and nowhere else.

/**
 * An element. Attributes that are false, null or undefined are left out; children that are not elements become text.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

/** Set the text where it differs: a text that stays costs no layout. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Set or remove an attribute where it differs. */
export function attribute(element, name, value) {
  if (value == null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, String(value));
  }
}

/** As many children as there are items: made when they are missing, removed when they are too many. */
export function grow(parent, count, make) {
  while (parent.children.length < count) parent.append(make(parent.children.length));
  while (parent.children.length > count) parent.lastElementChild.remove();
  return parent.children;
}

/** What the reader chose last time; null where nothing can be kept. */
export function remembered(key) {
  try {
    return localStorage.getItem(`procpulse.${key}`);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`procpulse.${key}`, value);
  } catch {
    // Private windows may not keep anything.
  }
}

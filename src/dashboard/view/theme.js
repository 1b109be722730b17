// Light and dark: as the system says, or as the reader does.

import { remember, remembered } from "./dom.js";

const CHOICES = ["auto", "light", "dark"];

/** The colours of the style sheet, for what is drawn on canvases. */
export class Theme {
  constructor(root = document.documentElement) {
    this.root = root;
    this.listeners = [];
    this.choice = CHOICES.includes(remembered("theme")) ? remembered("theme") : "auto";
    this.system = matchMedia("(prefers-color-scheme: dark)");
    this.system.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  get dark() {
    return this.choice === "auto" ? this.system.matches : this.choice === "dark";
  }

  /** Change to the other one; back to what the system says when it is the same. */
  toggle() {
    const other = this.dark ? "light" : "dark";
    this.choice = (other === "dark") === this.system.matches ? "auto" : other;
    remember("theme", this.choice);
    this.#apply();
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  /** A colour by the name of its custom property, without the dashes. */
  color(name) {
    let value = this.cache.get(name);
    if (value === undefined) {
      value = getComputedStyle(this.root).getPropertyValue(`--${name}`).trim();
      this.cache.set(name, value);
    }
    return value;
  }

  #apply() {
    this.cache = new Map();
    this.root.dataset.theme = this.dark ? "dark" : "light";
    this.listeners.forEach((listener) => listener());
  }
}

// Helpers to create and change elements.

// Create an element with properties and children.
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// Set the text of an element with a data-longest attribute, whose height is that of its longest text (base.css).
export function setText(element, ...content) {
  element.firstElementChild.replaceChildren(...content);
}

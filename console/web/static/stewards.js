// Keys for what the page does anyway: each presses a button or follows a link that stands on it.
"use strict";
(() => {
  const root = document.documentElement;
  const STORED = "millstream.keys";
  const isOff = () => { try { return localStorage.getItem(STORED) === "off"; } catch { return false; } };
  const store = (off) => { try { localStorage.setItem(STORED, off ? "off" : "on"); } catch { /* only for this page */ } };
  let off = isOff();
  let pressed = false;

  const hint = document.querySelector("[data-keys-hint]");
  const toggle = document.querySelector("[data-keys-switch]");
  const draw = () => {
    root.classList.toggle("keys", !off);
    if (toggle) { toggle.textContent = off ? toggle.dataset.on : toggle.dataset.off; }
  };
  if (hint) { hint.hidden = false; }
  if (toggle) { toggle.addEventListener("click", () => { off = !off; store(off); draw(); }); }
  draw();

  const isWriting = (target) =>
    target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName) ||
    (target.tagName === "INPUT" && !["checkbox", "radio", "button", "submit"].includes(target.type));

  // An input method composes with these very keys: 229 is what browsers say while it does.
  const isComposing = (event) => event.isComposing || event.keyCode === 229;

  document.addEventListener("keydown", (event) => {
    if (off || pressed || event.repeat || isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (isWriting(event.target)) {
      if (event.key === "Escape") { event.target.blur(); }
      return;
    }
    const wanted = CSS.escape(event.key.toLowerCase());
    const field = document.querySelector(`[data-key-focus="${wanted}"]`);
    if (field) { event.preventDefault(); field.focus(); return; }
    const found = document.querySelector(`[data-key="${wanted}"]`);
    if (found) { event.preventDefault(); pressed = true; found.click(); }
  });
  addEventListener("pageshow", () => { pressed = false; });
})();

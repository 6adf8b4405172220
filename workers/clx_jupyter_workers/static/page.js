// What a page does: the choice of colours, copying code, and lists of contents and wide things that suit the screen.
// It works from a file, in a sandbox without storage, and the page is whole without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const KEY = "clx-theme";
  const remembered = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const remember = theme => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // A sandbox has no storage: the choice holds for this page.
    }
  };
  // At once, before anything is painted.
  const theme = remembered();
  if (theme === "dark" || theme === "light") {
    root.dataset.theme = theme;
  }
  root.classList.add("clx-js");

  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  function themeButton() {
    for (const button of document.querySelectorAll(".clx-theme")) {
      const show = () => button.setAttribute("aria-pressed", String(isDark()));
      show();
      button.hidden = false;
      prefersDark.addEventListener("change", show);
      button.addEventListener("click", () => {
        root.dataset.theme = isDark() ? "light" : "dark";
        remember(root.dataset.theme);
        show();
      });
    }
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Sandboxes and old browsers: the way that asks nobody.
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "clx-unseen";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
    return true;
  }

  function copyButtons() {
    const { copy: word, copied, lang } = document.body.dataset;
    const status = document.getElementById("clx-status");
    if (!word) {
      return;
    }
    const boxes = document.querySelectorAll(".input_area, .rendered_html div.highlight, .rendered_html pre:not(.highlight pre, .clx-output pre)");
    for (const box of boxes) {
      const code = box.matches("pre") ? box : box.querySelector("pre");
      if (!code || !code.textContent.trim() || code.matches(".mermaid")) {
        continue;
      }
      const button = document.createElement("button");
      button.type = "button";
      button.className = "clx-copy";
      button.lang = lang;
      button.textContent = word;
      const place = document.createElement("div");
      place.className = "clx-copyable";
      box.replaceWith(place);
      place.append(box, button);
      let back = 0;
      button.addEventListener("click", async () => {
        if (!(await copy(code.textContent.replace(/\n$/, "")))) {
          return;
        }
        const focused = document.activeElement;
        button.textContent = copied;
        button.focus({ preventScroll: true });
        if (focused && focused !== document.body && focused !== button) {
          button.focus({ preventScroll: true });
        }
        status.textContent = "";
        status.textContent = copied;
        clearTimeout(back);
        back = setTimeout(() => {
          button.textContent = word;
          status.textContent = "";
        }, 2000);
      });
    }
  }

  // Open beside the text, closed above it.
  function contents() {
    const details = document.querySelector(".clx-contents details");
    if (!details) {
      return;
    }
    const wide = matchMedia("(min-width: 75rem)");
    const fit = () => {
      details.open = wide.matches;
    };
    fit();
    wide.addEventListener("change", fit);
    details.addEventListener("click", event => {
      if (!wide.matches && event.target.closest("a")) {
        details.open = false;
      }
    });
    const links = new Map([...details.querySelectorAll("a")].map(link => [decodeURIComponent(link.hash.slice(1)), link]));
    const headings = [...links.keys()].map(id => document.getElementById(id)).filter(Boolean);
    const mark = () => {
      const passed = headings.filter(heading => heading.getBoundingClientRect().top < 120).at(-1);
      for (const [id, link] of links) {
        if (passed && id === passed.id) {
          link.setAttribute("aria-current", "true");
        } else {
          link.removeAttribute("aria-current");
        }
      }
    };
    let waiting = false;
    addEventListener(
      "scroll",
      () => {
        if (!waiting) {
          waiting = true;
          requestAnimationFrame(() => {
            waiting = false;
            mark();
          });
        }
      },
      { passive: true }
    );
    mark();
  }

  // What scrolls can be reached and named by everybody; what does not, is no stop on the way.
  function scrollable() {
    const names = document.body.dataset;
    const kinds = [
      [".input_area, .input_area pre, .rendered_html pre, .rendered_html .highlight", names.code],
      [".clx-output > pre, .clx-html, .clx-latex, .clx-markdown", names.result],
      [".clx-scroll", names.table],
      [".clx-math.clx-display", names.formula]
    ];
    const watch = new ResizeObserver(entries => entries.forEach(entry => fit(entry.target)));
    const labels = new Map();
    const fit = node => {
      const style = getComputedStyle(node);
      const scrolls =
        (/auto|scroll/.test(style.overflowX) && node.scrollWidth > node.clientWidth + 1) ||
        (/auto|scroll/.test(style.overflowY) && node.scrollHeight > node.clientHeight + 1);
      if (scrolls && !node.hasAttribute("tabindex")) {
        node.setAttribute("tabindex", "0");
        node.setAttribute("role", "group");
        node.setAttribute("aria-label", labels.get(node));
      } else if (!scrolls && labels.has(node) && node.getAttribute("tabindex") === "0") {
        node.removeAttribute("tabindex");
        node.removeAttribute("role");
        node.removeAttribute("aria-label");
      }
    };
    for (const [selector, name] of kinds) {
      for (const node of document.querySelectorAll(selector)) {
        if (name && !labels.has(node)) {
          labels.set(node, name);
          watch.observe(node);
        }
      }
    }
  }

  function start() {
    themeButton();
    copyButtons();
    contents();
    scrollable();
  }
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();

// MathJax's settings, read when it starts: only what the page marks as a formula is typeset, and nothing is fetched.
window.MathJax = {
  tex: {
    inlineMath: [["$", "$"], ["\\(", "\\)"]],
    displayMath: [["$$", "$$"], ["\\[", "\\]"]],
    processEscapes: true,
    processEnvironments: true,
    tags: "ams"
  },
  svg: { fontCache: "global" },
  options: { enableMenu: false },
  startup: {
    elements: [".clx-math", ".clx-latex"],
    // Several formulas of one page are one document: numbers and references of equations count through.
    typeset: true
  }
};

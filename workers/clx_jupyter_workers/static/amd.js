/* What older libraries (plotly before 6) expect of a page: define and require. Modules are those that results bring along, by name;
   one for which a result names an address is loaded from there, as the result's author asked for. */
(() => {
  if (window.require || window.define) return;
  const modules = new Map();
  const paths = {};
  let waiting = [];

  function settle() {
    const ready = waiting.filter(each => each.names.every(name => modules.has(name)));
    waiting = waiting.filter(each => !ready.includes(each));
    for (const each of ready) each.run(...each.names.map(name => modules.get(name)));
  }

  function load(name, failed) {
    const address = paths[name] || (/^(https?:)?\/\//.test(name) ? name : "");
    if (!address || modules.has(name) || document.querySelector(`script[data-module="${CSS.escape(name)}"]`)) return;
    const script = document.createElement("script");
    script.dataset.module = name;
    script.src = /\.js([?#]|$)/.test(address) ? address : address + ".js";
    script.onload = () => keep(name, window[name] || window[name.charAt(0).toUpperCase() + name.slice(1)]);
    script.onerror = () => failed?.(new Error(`${script.src} could not be loaded`));
    document.head.append(script);
  }

  function keep(name, value) {
    modules.set(name, value);
    settle();
  }

  function require(names, run, failed) {
    if (typeof names === "string") return modules.get(names);
    waiting.push({ names, run: run || (() => {}) });
    names.forEach(name => load(name, failed));
    settle();
  }

  /* `define.amd` stays unset: libraries that ask for it put themselves where everybody finds them. */
  function define(name, needs, make) {
    if (typeof name !== "string") return;
    if (!Array.isArray(needs)) [needs, make] = [null, needs];
    if (typeof make !== "function") return keep(name, make);
    if (needs) return require(needs, (...parts) => keep(name, make(...parts)));
    const module = { exports: {} };
    keep(name, make(require, module.exports, module) ?? module.exports);
  }

  require.config = settings => void Object.assign(paths, settings?.paths);
  require.undef = name => void modules.delete(name);
  require.specified = require.defined = name => modules.has(name);
  Object.assign(window, { require, requirejs: require, define });
})();

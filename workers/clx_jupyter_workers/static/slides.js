// Slides: reveal.js shows them on a stage; on paper, on narrow screens and without reveal they are one page.
(() => {
  'use strict';

  const STAGE = { width: 1280, height: 720 };
  const NARROW = 600;
  const SMALLEST = 0.6; // of the usual letters, on the stage
  const SMALLEST_PRINTED = 0.45;
  const WIDE = 'pre, table, .MathJax, mjx-container, .plotly-graph-div, .bk-root';
  const root = document.documentElement;

  /** Whether the deck is to be printed: `slides.html?print-pdf`. */
  const printed = /[?&]print-pdf\b/.test(window.location.search);
  const printing = () => root.classList.contains('clx-print');
  /** The speaker's window shows this slide and the next one in small frames of its own. */
  const framed = /[?&]receiver\b/.test(window.location.search);
  const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;

  /** Letters that make wide things fit; code and text that would get too small is wrapped. */
  function narrow(slide, least) {
    for (const wide of slide.querySelectorAll(WIDE)) {
      if (wide.parentElement.closest(WIDE)) {
        continue;
      }
      wide.style.zoom = '';
      wide.classList.remove('clx-wrapped');
      const room = wide.parentElement.clientWidth;
      const width = Math.max(wide.scrollWidth, wide.getBoundingClientRect().width / scale());
      if (width > room + 1 && room > 0) {
        const ratio = room / width;
        // Paper does not scroll: what cannot be wrapped gets as small as it must.
        const smallest = printing() && !wide.matches('pre') ? 0.1 : least;
        wide.style.zoom = String(Math.max(ratio * 0.99, smallest));
        wide.classList.toggle('clx-wrapped', ratio < least && wide.matches('pre'));
      }
    }
  }

  /** How much larger than the stage the slides are on the screen. */
  function scale() {
    return root.classList.contains('clx-live') ? window.Reveal.getScale() || 1 : 1;
  }

  /** Choose the letters of a slide so that all of it is seen; one that cannot be made to fit scrolls. */
  function fit(slide, least) {
    const stack = slide.parentElement.closest('section');
    const hidden = [slide, stack].filter(each => each && getComputedStyle(each).display === 'none');
    const before = hidden.map(each => each.style.display);
    hidden.forEach(each => { each.style.display = 'block'; });
    const body = slide.querySelector('.clx-body');
    const style = getComputedStyle(slide);
    const room = STAGE.height - 4 - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const fits = size => {
      slide.style.setProperty('--clx-fit', String(size));
      narrow(slide, least);
      return body.scrollHeight <= room;
    };
    slide.classList.remove('clx-tall');
    slide.removeAttribute('tabindex');
    if (!fits(1)) {
      let [low, high] = [least, 1];
      if (fits(low)) {
        while (high - low > 0.03) {
          const middle = (low + high) / 2;
          [low, high] = fits(middle) ? [middle, high] : [low, middle];
        }
        fits(low);
      } else {
        slide.classList.add('clx-tall');
        slide.tabIndex = 0;
      }
    }
    hidden.forEach((each, n) => { each.style.display = before[n]; });
    slide.dataset.fit = 'done';
  }

  const slides = () => document.querySelectorAll('section.clx-slide');

  function fitAll(least = SMALLEST) {
    slides().forEach(slide => fit(slide, least));
  }

  /** Keys that go on, or back, first move what a slide could not show at once. */
  function scrollFirst(event) {
    const slide = window.Reveal.getCurrentSlide();
    if (!slide?.classList.contains('clx-tall') || window.Reveal.isOverview() || event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    if (event.target.closest?.('input, textarea, select, button, a, [contenteditable]') && event.key === ' ') {
      return;
    }
    const down = ['ArrowDown', 'PageDown'].includes(event.key) || (event.key === ' ' && !event.shiftKey);
    const up = ['ArrowUp', 'PageUp'].includes(event.key) || (event.key === ' ' && event.shiftKey);
    const rest = down ? slide.scrollHeight - slide.clientHeight - slide.scrollTop : up ? slide.scrollTop : 0;
    if (rest > 2) {
      slide.scrollBy({ top: (down ? 1 : -1) * slide.clientHeight * 0.8, behavior: still ? 'auto' : 'smooth' });
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }

  /** Only what is shown takes the focus: slides that reveal.js has moved away are still there. */
  function reach() {
    const all = window.Reveal.isOverview();
    slides().forEach(slide => { slide.inert = !all && slide !== window.Reveal.getCurrentSlide(); });
    for (const shown of all ? document.querySelectorAll('.slides section') : []) {
      shown.removeAttribute('aria-hidden');
    }
  }

  /** An address can be kept up to date only where the browser lets us. */
  function canRemember() {
    try {
      window.history.replaceState(window.history.state, '', window.location.href);
      return true;
    } catch {
      return false;
    }
  }

  function live() {
    const deck = document.getElementById('deck');
    deck.classList.add('reveal');
    root.classList.add('clx-live');
    document.addEventListener('keydown', scrollFirst, true);
    const reveal = window.Reveal;
    reveal.on('slidechanged', event => {
      event.currentSlide.dataset.fit || fit(event.currentSlide, SMALLEST);
      reach();
    });
    reveal.on('overviewshown', () => {
      slides().forEach(slide => slide.dataset.fit || fit(slide, SMALLEST));
      reach();
    });
    reveal.on('overviewhidden', reach);
    reveal.initialize({
      ...STAGE, margin: 0, minScale: 0.05, maxScale: 3, center: false, hash: canRemember(), respondToHashChanges: true,
      navigationMode: 'linear', rtl: root.dir === 'rtl', slideNumber: 'c/t', transition: still ? 'none' : 'slide', backgroundTransition: 'none',
      scrollActivationWidth: null, viewDistance: 2, plugins: window.RevealNotes ? [window.RevealNotes] : [],
    }).then(() => {
      fit(reveal.getCurrentSlide(), SMALLEST);
      reach();
      watch();
    });
  }

  /** Formulas get their size when MathJax has drawn them. */
  const typeset = async () => window.MathJax?.startup?.promise;

  /** Things that come late have a size of their own. */
  function watch() {
    const again = () => {
      slides().forEach(slide => { delete slide.dataset.fit; });
      fit(window.Reveal.getCurrentSlide(), SMALLEST);
    };
    document.fonts?.ready.then(again);
    window.addEventListener('load', again);
    typeset().then(again);
    // What is printed from the middle of a talk is printed as `?print-pdf` prints it.
    let theme;
    window.addEventListener('beforeprint', () => {
      theme = root.dataset.theme;
      root.dataset.theme = 'light';
      document.getElementById('deck').classList.remove('reveal');
      root.classList.replace('clx-live', 'clx-print');
      slides().forEach(slide => { slide.inert = false; });
      fitAll(SMALLEST_PRINTED);
    });
    window.addEventListener('afterprint', () => {
      document.getElementById('deck').classList.add('reveal');
      root.classList.replace('clx-print', 'clx-live');
      if (theme) {
        root.dataset.theme = theme;
      } else {
        delete root.dataset.theme;
      }
      window.Reveal.layout();
      reach();
      again();
    });
  }

  function print() {
    root.classList.add('clx-print');
    root.dataset.theme = 'light';
    const all = () => fitAll(SMALLEST_PRINTED);
    all();
    document.fonts?.ready.then(all);
    window.addEventListener('load', all);
    typeset().then(all);
  }

  /** The slide that `#/3/1` names. */
  function named() {
    const [column, row] = window.location.hash.replace(/^#\//, '').split('/').map(Number);
    const at = document.querySelectorAll('.slides > section')[column || 0];
    return at?.querySelectorAll('section')[row || 0] ?? at;
  }

  function start() {
    if (printed) {
      print();
    } else if (window.Reveal && (framed || window.innerWidth > NARROW)) {
      live();
    } else if (/^#\/\d/.test(window.location.hash)) {
      named()?.scrollIntoView();
    }
  }

  if (document.readyState === 'loading') {
    document.addEventListener('DOMContentLoaded', start);
  } else {
    start();
  }
})();

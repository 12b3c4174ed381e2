/**
 * Calls `action` once the calls have rested for `wait` milliseconds.
 */
export function debounce(action, wait) {
  let timer = null;

  return function (...args) {
    ⟨cursor⟩
  };
}

/**
 * Calls `action` at most once every `wait` milliseconds.
 */
export function throttle(action, wait) {
  let last = 0;

  return function (...args) {
    const now = Date.now();
    if (now - last >= wait) {
      last = now;
      action.apply(this, args);
    }
  };
}

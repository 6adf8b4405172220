/**
 * Does one piece of work at a time, and once more where somebody asked meanwhile.
 *
 * For requests this means: an answer never overtakes a newer one, and many reasons to ask make few requests.
 */
export class Once {
  constructor(private _work: () => Promise<void>) {}

  /** Settles when the work that was under way, and the one more that was asked for, are done. */
  run(): Promise<void> {
    if (this._running === null) {
      this._running = this._loop().finally(() => {
        this._running = null;
      });
    } else {
      this._again = true;
    }
    return this._running;
  }

  private async _loop(): Promise<void> {
    do {
      this._again = false;
      await this._work();
    } while (this._again);
  }

  private _running: Promise<void> | null = null;
  private _again = false;
}

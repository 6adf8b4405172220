import { IStateDB } from '@jupyterlab/statedb';

/** Where the chosen course is kept from one page to the next. */
export interface IMemory {
  recall(): Promise<string | null>;
  remember(id: string | null): Promise<void>;
}

const KEY = 'clx-jupyter:course';

/** Kept with the workspace, where the application keeps a state at all. */
export function memoryOf(state: IStateDB | null): IMemory {
  return {
    recall: async () => {
      const id = await state?.fetch(KEY);
      return typeof id === 'string' ? id : null;
    },
    remember: async id => {
      await (id === null ? state?.remove(KEY) : state?.save(KEY, id));
    }
  };
}

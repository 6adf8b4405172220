import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { createContext, useContext } from 'react';

import { ICandidate, IOutput, IProblem, ISource } from '../api';
import { CourseModel } from '../model';

/** What every part of the panel needs: the model, words, commands, and ways to open things. */
export interface IEnvironment {
  model: CourseModel;
  trans: TranslationBundle;
  commands: CommandRegistry;
  openSource(source: ISource): void;
  openOutput(output: IOutput): void;
  openProblem(problem: IProblem): void;
  choose(candidate: ICandidate): void;
}

const Context = createContext<IEnvironment | null>(null);

export const EnvironmentProvider = Context.Provider;

export function useEnvironment(): IEnvironment {
  const environment = useContext(Context);
  if (environment === null) {
    throw new Error('There is no environment around this part of the panel.');
  }
  return environment;
}

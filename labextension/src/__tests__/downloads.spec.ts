import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';

import { Api, IArchive } from '../api';
import { download } from '../downloads';
import { CourseModel } from '../model';
import {
  archive,
  course,
  FakeMemory,
  FakeServer,
  refused,
  serverWith,
  settle
} from './server';

const trans = nullTranslator.load('clx_jupyter');
const staff = archive('staff', {
  name: 'week-staff-PRIVATE.zip',
  audience: 'private',
  why: 'Speaker'
});

describe('A download', () => {
  let server: FakeServer;
  let model: CourseModel;
  let saved: string[][];
  const clicked = (event: Event) => {
    const link = event.target as HTMLAnchorElement;
    if (link.tagName === 'A') {
      event.preventDefault();
      saved.push([new URL(link.href).pathname, link.download]);
    }
  };

  const start = async (...archives: IArchive[]) => {
    saved = [];
    server = serverWith(course('one'));
    server.archives = archives;
    model = new CourseModel(new Api(server.settings), new FakeMemory());
    await model.start();
    document.addEventListener('click', clicked);
  };
  const dialog = () => document.querySelector('.jp-Dialog');
  const press = async (label: string) => {
    const buttons = Array.from(
      document.querySelectorAll<HTMLButtonElement>('.jp-Dialog button')
    );
    buttons.find(each => each.textContent === label)?.click();
    await settle();
  };

  afterEach(() => {
    document.removeEventListener('click', clicked);
    model.dispose();
    Notification.dismiss();
  });

  it('of what students get begins at once, by the browser itself', async () => {
    await start(archive('für alle'), staff);

    await download(model, trans, 'für alle');

    expect(saved).toEqual([
      [
        '/lab-base/clx/courses/one/archives/f%C3%BCr%20alle',
        'week-für alle.zip'
      ]
    ]);
    expect(document.querySelector('body > a')).toBeNull();
  });

  it.each([
    ['Cancel', 0],
    ['Download', 1]
  ])(
    'of what is private asks first, and takes %s for an answer',
    async (answer, count) => {
      await start(archive('students'), staff);

      const done = download(model, trans, 'staff');
      await settle();
      const words = dialog()?.textContent ?? '';
      expect(words).toContain('not for students');
      expect(words).toContain('week-staff-PRIVATE.zip');
      expect(words).toContain('Speaker');
      expect(words).toContain('12 files, 3.4 MB');
      expect(saved).toEqual([]);
      await press(answer);
      await done;

      expect(saved).toHaveLength(count);
    }
  );

  it('without a name lets people pick, with whom each is for', async () => {
    await start(archive('students'), staff);

    const done = download(model, trans);
    await settle();
    const options = Array.from(
      document.querySelectorAll<HTMLOptionElement>('.jp-Dialog option')
    );
    expect(options.map(each => each.textContent)).toEqual([
      'students · for students · 12 files, 3.4 MB',
      'staff · keep private · 12 files, 3.4 MB'
    ]);
    await press('Download');
    await done;

    expect(saved.map(([, name]) => name)).toEqual(['week-students.zip']);
  });

  it('of the only one needs no question', async () => {
    await start(archive('students'));

    await download(model, trans);

    expect(saved).toHaveLength(1);
  });

  it('of nothing says so', async () => {
    await start(archive('students'));

    await download(model, trans, 'later');

    expect(saved).toEqual([]);
    expect(Notification.manager.notifications[0].message).toContain(
      'Nothing is built there yet'
    );
  });

  it('that is refused tells why in the panel, and nothing twice', async () => {
    await start();
    server.answer = () => refused(500, 'the manifest is damaged');

    await download(model, trans, 'students');

    expect(model.error?.message).toBe('the manifest is damaged');
    expect(Notification.manager.notifications).toEqual([]);
    expect(saved).toEqual([]);
  });
});

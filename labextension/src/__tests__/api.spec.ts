import {
  Api,
  ConnectionError,
  MissingServiceError,
  ProblemError
} from '../api';
import {
  build,
  course,
  FakeServer,
  html,
  json,
  refused,
  serverWith
} from './server';

describe('Api', () => {
  let server: FakeServer;
  let api: Api;

  beforeEach(() => {
    server = serverWith(course('one'));
    api = new Api(server.settings);
  });

  it('asks below the base URL, with names of any kind', async () => {
    server.courses.set('a/b?', course('a/b?'));

    const answer = await api.course('a/b?');
    await api.courses('a folder/ü');

    expect(answer.id).toBe('a/b?');
    expect(server.requests.map(each => [each.route, each.query])).toEqual([
      ['courses/a%2Fb%3F', {}],
      ['courses', { path: 'a folder/ü' }]
    ]);
  });

  it('starts, asks, cancels and converts as the contract says', async () => {
    const { id } = await api.start('one', false);
    await api.build('one', id, 12.5);
    await api.cancel('one', id);
    await api.convert('x.py');
    await api.convert('x.py', 'one');

    expect(
      server.requests.map(({ method, route, query, body }) => [
        method,
        route,
        query,
        body
      ])
    ).toEqual([
      ['POST', 'builds', {}, { course: 'one', execute: false, failed: false }],
      ['GET', `builds/${id}`, { course: 'one', since: '12.5' }, {}],
      ['POST', `builds/${id}`, { course: 'one' }, { do: 'cancel' }],
      ['POST', 'convert', {}, { path: 'x.py' }],
      ['POST', 'convert', {}, { path: 'x.py', course: 'one' }]
    ]);
  });

  it('gives the builds of a course', async () => {
    server.builds = [build('b1', 'one'), build('b2', 'other')];

    expect((await api.builds('one')).map(each => each.id)).toEqual(['b1']);
  });

  it('hands a problem on whole', async () => {
    server.answer = () => refused(422, 'the course file is wrong');

    const error = await api.course('one').catch(each => each);

    expect(error).toBeInstanceOf(ProblemError);
    expect([error.status, error.problem.class, error.message]).toEqual([
      422,
      'bad-course',
      'the course file is wrong'
    ]);
  });

  it.each([
    ['a page', () => html(404)],
    ["Jupyter Server's own words", () => json({ message: 'Not Found' }, 404)],
    ['nothing', () => new Response('', { status: 404 })]
  ])('takes a 404 with %s for a missing service', async (_, answer) => {
    server.answer = answer;

    await expect(api.courses()).rejects.toBeInstanceOf(MissingServiceError);
  });

  it('takes our own 404 for what it says', async () => {
    await expect(api.course('gone')).rejects.toBeInstanceOf(ProblemError);
  });

  it.each([
    ['a proxy without server', () => html(502)],
    ['a page for logging in', () => html(200)],
    ['an empty answer', () => new Response('', { status: 200 })],
    ['half an answer', () => new Response('{"courses": [', { status: 200 })],
    ['a refusal', () => json({ message: 'Forbidden' }, 403)]
  ])('takes %s for a lost connection', async (_, answer) => {
    server.answer = answer;

    await expect(api.courses()).rejects.toBeInstanceOf(ConnectionError);
  });

  it('takes silence for a lost connection', async () => {
    server.down = true;

    await expect(api.courses()).rejects.toBeInstanceOf(ConnectionError);
  });
});

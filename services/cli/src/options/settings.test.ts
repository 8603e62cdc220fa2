import { expect, test } from 'vitest';
import { settingPaths, settingsAt } from './settings.js';

test('settings at a place are those of all its alternatives', () => {
  expect(settingsAt([])).toEqual(expect.arrayContaining(['name', 'batchSize', 'student']));
  expect(settingsAt(['data'])).toEqual(expect.arrayContaining(['kind', 'folder', 'noise']));
  expect(settingsAt(['student', 'objective', 0])).toEqual(['kind', 'weight', 'from', 'temperature', 'loss', 'gate']);
  expect(settingsAt(['stages', 0, 'learners', 'any-name'])).toEqual(expect.arrayContaining(['model', 'init']));
  expect(settingsAt(['method'])).toEqual(expect.arrayContaining(['taskWeight', 'threshold']));
  expect(settingsAt(['task', 'margin'])).toEqual(['kind', 'margin', 'scale']);
  expect(settingsAt(['nothing'])).toEqual([]);
});

test('every path of a setting leads to a value', () => {
  expect(settingPaths()).toEqual(expect.arrayContaining(['epochs', 'student.learningRate', 'data.folder', 'seed']));
  expect(settingPaths()).not.toContain('student');
  for (const path of settingPaths()) expect(settingsAt(path.split('.').slice(0, -1))).toContain(path.split('.').at(-1));
});

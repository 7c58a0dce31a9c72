import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bar } from './bar.js';
import { paintFor } from './colour.js';
import { grid, table } from './table.js';
import { widthOf } from './width.js';

const plain = paintFor(false);
const colour = paintFor(true);
const COLUMNS = [
  { title: 'site', shrinks: true },
  { title: 'loss', align: 'right' as const },
];

describe('a table', () => {
  it('aligns names left and numbers right below a rule', () => {
    expect(
      table(
        COLUMNS,
        [
          ['hospital-a', '0.5'],
          ['b', '0.512'],
        ],
        80,
        plain,
      ),
    ).toEqual(['site         loss', '──────────  ─────', 'hospital-a    0.5', 'b           0.512']);
  });

  it('keeps its columns where cells are coloured', () => {
    expect(
      table(
        COLUMNS,
        [
          [colour.green('a'), '1'],
          ['bbb', '2'],
        ],
        80,
        colour,
      ),
    ).toEqual([
      '\u001b[1msite  loss\u001b[22m',
      '\u001b[2m────  ────\u001b[22m',
      '\u001b[32ma\u001b[39m        1',
      'bbb      2',
    ]);
  });

  it('shortens the column that may shrink when the terminal is narrow', () => {
    expect(table(COLUMNS, [['hospital-of-the-north', '0.512']], 20, plain)).toEqual([
      'site            loss',
      '─────────────  ─────',
      'hospital-of-…  0.512',
    ]);
  });

  it('cuts lines where nothing may shrink', () => {
    for (const line of table([{ title: 'a long title' }], [['x'.repeat(50)]], 10, plain))
      expect(widthOf(line)).toBeLessThanOrEqual(10);
  });

  it('fills a missing cell with nothing', () => {
    expect(table(COLUMNS, [['a']], 80, plain).at(-1)).toBe('a');
  });

  it('never has a line wider than the terminal, with or without colours', () => {
    const cell = fc.stringMatching(/^[a-z0-9 肺━]{0,30}$/);
    const rows = fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 8, max: 120 }), fc.boolean(), (cells, width, coloured) => {
        const columns = [
          { title: 'one', shrinks: true },
          { title: 'two', align: 'right' as const },
          { title: 'three', shrinks: true },
        ];
        for (const line of table(columns, cells, width, paintFor(coloured)))
          expect(widthOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('a grid', () => {
  it('is a table without a rule', () => {
    expect(grid(COLUMNS, [['a', '1']], 80, plain)).toEqual(['site  loss', 'a        1']);
  });

  it('has a dim head, so that the eye goes to what changes', () => {
    expect(grid(COLUMNS, [], 80, colour)).toEqual(['\u001b[2msite  loss\u001b[22m']);
  });
});

describe('a bar', () => {
  it.each([
    [0, '──────────'],
    [0.05, '──────────'],
    [0.5, '━━━━━─────'],
    [0.999, '━━━━━━━━━─'],
    [1, '━━━━━━━━━━'],
    [7, '━━━━━━━━━━'],
    [-1, '──────────'],
    [Number.NaN, '──────────'],
  ])('at %d', (share, picture) => {
    expect(bar(share, 10, plain)).toBe(picture);
  });

  it('is readable without colours, since the two lines differ', () => {
    expect(new Set(bar(0.5, 4, plain)).size).toBe(2);
  });

  it('is always as wide as asked for, and full only when done', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 60 }), (share, columns) => {
        const picture = bar(share, columns, colour);
        expect(widthOf(picture)).toBe(columns);
        expect(!picture.includes('─')).toBe(share === 1);
      }),
    );
  });
});

/** The report's only style: readable on a screen in either light, and on paper. Contrasts are at least 7:1 (WCAG 2.2, AAA). */
export const STYLE = `
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } h3 { font-size: 1.05rem; }
.verdict { border: 0.2rem solid; padding: 0.75rem 1rem; font-size: 1.15rem; }
.pass { border-color: #0a5c2b; } .fail { border-color: #8f1010; }
.finding { border-left: 0.3rem solid #8f1010; padding-left: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; } dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; } caption { text-align: left; font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem; border-bottom: 1px solid; overflow-wrap: anywhere; }
@media print {
  main { max-width: none; padding: 0; } section, tr { break-inside: avoid; } h2 { break-after: avoid; }
}
`;

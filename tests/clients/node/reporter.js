// One line for each case, as tests/clients/run counts them. A skipped case counts as failed.
'use strict';

module.exports = async function* (events) {
  for await (const { type, data } of events) {
    const leaf = data.details?.type !== 'suite';
    if (type === 'test:pass' && leaf && !data.skip && !data.todo) yield `pass ${data.name}\n`;
    if (type === 'test:pass' && leaf && (data.skip || data.todo)) yield `FAIL ${data.name}: it was skipped\n`;
    if (type === 'test:fail' && leaf) {
      const error = data.details.error.cause ?? data.details.error;
      yield `FAIL ${data.name}: ${String(error.message ?? error).split('\n')[0]}\n${error.stack ?? ''}\n`;
    }
  }
};

import { config } from 'zod';

// Zod compiles schemas from text where it may. The content security policy of the page forbids that, and reports the attempt.
config({ jitless: true });

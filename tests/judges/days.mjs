// Prints how the panel writes a day, and a moment of that day: arguments are its texts as JSON, the day, the moment.
import { Words } from '../../extensions/loyalty-widget/assets/loyalty-kit.js';

const [texts, day, moment] = process.argv.slice(2);
const words = new Words({ language: 'en', texts: JSON.parse(texts) }, 'rtl');
console.log(JSON.stringify([words.day(day), words.date(moment)]));

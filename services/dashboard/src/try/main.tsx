import { render } from 'preact';
import { TryPage } from './try-page.js';

const page = document.getElementById('page');
if (page) render(<TryPage />, page);

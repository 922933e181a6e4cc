import { render } from 'preact';
import { App } from './app/app';
import { inspector } from './app/inspect';
import { Root } from './ui/Root';
import './styles/theme.css';
import './styles/app.css';
import './styles/call.css';

const app = new App();
window.lyceum = inspector(app);
render(<Root app={app} />, document.getElementById('app')!);
void app.start();

// The variable `mc` of scripts. The engine has no way out: what a script changes is recorded in `calls` and done afterwards.
(function (given) {
  'use strict';
  var calls = [], state = given.fields, scopes = given.properties;
  var record = function (name, rest) { calls.push([name].concat(rest)); };
  var escape = function (text, quote) {
    text = String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
    return quote ? text.replace(/"/g, '&quot;') : text;
  };
  var NAMED = {lt: '<', gt: '>', amp: '&', quot: '"', apos: "'"};
  var plain = function (text) {
    return text.replace(/&(#x[0-9a-fA-F]+|#\d+|\w+);/g, function (all, name) {
      if (name[0] !== '#') return name in NAMED ? NAMED[name] : all;
      return String.fromCodePoint(name[1] === 'x' ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10));
    });
  };
  var localOf = function (name) { return name.slice(name.indexOf(':') + 1); };
  class Node {
    constructor(name) { this.nodeName = name; this.attrs = {}; this.childNodes = []; this.parentNode = null; }
    get firstChild() { return this.childNodes.length ? this.childNodes[0] : null; }
    get textContent() { return this.childNodes.map(function (kid) { return kid.textContent; }).join(''); }
    set textContent(text) { this.childNodes = [new Text(text)]; }
    get elements() { return this.childNodes.filter(function (kid) { return kid instanceof Node; }); }
    getFirstChild() { return this.firstChild; }
    getChildNodes() { return this.childNodes; }
    getTextContent() { return this.textContent; }
    getText() { return this.textContent; }
    setTextContent(text) { this.textContent = text; }
    getNodeName() { return this.nodeName; }
    getTagName() { return this.nodeName; }
    getLocalName() { return localOf(this.nodeName); }
    name() { return this.nodeName; }
    localName() { return localOf(this.nodeName); }
    getAttribute(name) { return name in this.attrs ? this.attrs[name] : ''; }
    setAttribute(name, value) { this.attrs[name] = String(value); }
    attribute(name) { return this.getAttribute(name); }
    text() { return this.textContent; }
    children() { return new List(this.elements); }
    child(name) { return new List(this.elements.filter(function (kid) { return localOf(kid.nodeName) === name; })); }
    descendants(name) {
      var found = [];
      this.elements.forEach(function (kid) {
        if (!name || name === '*' || localOf(kid.nodeName) === localOf(name)) found.push(kid);
        found = found.concat(kid.descendants(name).items);
      });
      return new List(found);
    }
    getElementsByTagName(name) { return this.descendants(name); }
    getElementsByTagNameNS(space, name) { return this.descendants(name); }
    appendChild(node) {
      var raw = typeof node === 'string' ? parse(node) : node;
      this.childNodes.push(raw);
      return this;
    }
    removeChild(node) {
      this.childNodes = this.childNodes.filter(function (kid) { return kid !== node; });
      return node;
    }
    toXMLString() {
      var attrs = this.attrs, text = '<' + this.nodeName;
      Object.keys(attrs).forEach(function (name) { text += ' ' + name + '="' + escape(attrs[name], true) + '"'; });
      if (!this.childNodes.length) return text + '/>';
      return text + '>' + this.childNodes.map(function (kid) { return kid.toXMLString(); }).join('') + '</' + this.nodeName + '>';
    }
    toString() { return this.elements.length ? this.toXMLString() : this.textContent; }
  }
  class Text {
    constructor(text) { this.nodeName = '#text'; this.textContent = String(text); this.childNodes = []; }
    getTextContent() { return this.textContent; }
    getText() { return this.textContent; }
    getNodeValue() { return this.textContent; }
    toXMLString() { return escape(this.textContent); }
    toString() { return this.textContent; }
  }
  // A path of steps: /, //, names (a prefix stands for any namespace), *, @name, text(), [local-name()='x'], [@a='x'], [number].
  var STEP = /(\/\/?)?(text\(\)|@?[\w.*-]+(?::[\w.*-]+)?)((?:\[[^\]]*\])*)/y;
  var FILTER = /\[\s*(?:(\d+)|(local-name\(\)|@[\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'))\s*\]/y;
  var kept = function (nodes, texts) {
    FILTER.lastIndex = 0;
    while (FILTER.lastIndex < texts.length) {
      var found = FILTER.exec(texts);
      if (found === null) throw new SyntaxError('XPath: ' + texts + " is not one of [number], [local-name()='x'], [@name='x']");
      var wanted = found[3] === undefined ? found[4] : found[3], what = found[2];
      if (found[1]) nodes = nodes.slice(found[1] - 1, found[1]);
      else nodes = nodes.filter(function (node) { return (what[0] === '@' ? node.attrs[what.slice(1)] : localOf(node.nodeName)) === wanted; });
    }
    return nodes;
  };
  var stepped = function (node, deep, name) {
    var from = deep ? [node].concat(node.descendants().items) : [node], found = [];
    from.forEach(function (one) {
      if (name === 'text()') found = found.concat(one.childNodes.filter(function (kid) { return kid instanceof Text; }));
      else if (name[0] === '@') { if (name.slice(1) in one.attrs) found.push(new Text(one.attrs[name.slice(1)])); }
      else found = found.concat(one.elements.filter(function (kid) { return localOf(name) === '*' || localOf(kid.nodeName) === localOf(name); }));
    });
    return found;
  };
  class Path {
    constructor(text) { this.path = String(text); }
    selectNodes(node) {
      var nodes, path = this.path, top = new Node('#document'), token, found;
      if (path[0] === '/') { top.childNodes = [node]; nodes = [top]; } else nodes = [node];
      STEP.lastIndex = 0;
      while (STEP.lastIndex < path.length) {
        token = STEP.exec(path);
        if (token === null) throw new SyntaxError('XPath: ' + path + ' is more than a path of names; use <property expression="..."/> before the script');
        found = [];
        nodes.forEach(function (one) { found = found.concat(kept(stepped(one, token[1] === '//', token[2]), token[3])); });
        nodes = found.filter(function (one, at) { return found.indexOf(one) === at; });
      }
      return new List(nodes);
    }
    selectSingleNode(node) { return this.selectNodes(node).get(0); }
    stringValueOf(node) { var first = this.selectSingleNode(node); return first === null ? '' : first.textContent; }
  }
  class List {
    constructor(items) {
      this.items = items;
      var list = this;
      items.forEach(function (item, at) { list[at] = item; });
    }
    length() { return this.items.length; }
    getLength() { return this.items.length; }
    size() { return this.items.length; }
    get(at) { return this.item(at); }
    item(at) { return at in this.items ? this.items[at] : null; }
    child(name) { return new List([].concat.apply([], this.items.map(function (item) { return item.child(name).items; }))); }
    text() { return this.items.map(function (item) { return item.textContent; }).join(''); }
    toXMLString() { return this.items.map(function (item) { return item.toXMLString(); }).join(''); }
    toString() { return this.items.length === 1 ? this.items[0].toString() : this.toXMLString(); }
  }
  var TOKEN = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^>\s]+)\s*>|<([^\s\/>!?]+)((?:\s+[^\s=>\/]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/g;
  var parse = function (text) {
    var root = new Node('#document'), stack = [root], token, end = 0;
    text = String(text);
    TOKEN.lastIndex = 0;
    while ((token = TOKEN.exec(text)) !== null) {
      if (token.index !== end) break;
      end = TOKEN.lastIndex;
      var top = stack[stack.length - 1];
      if (token[1] !== undefined) top.childNodes.push(new Text(token[1]));
      else if (token[2] !== undefined) { if (stack.length < 2 || stack.pop().nodeName !== token[2]) throw new SyntaxError('XML: unexpected </' + token[2] + '>'); }
      else if (token[3] !== undefined) {
        var node = new Node(token[3]), pair, PAIRS = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
        while ((pair = PAIRS.exec(token[4])) !== null) node.attrs[pair[1]] = plain(pair[2] === undefined ? pair[3] : pair[2]);
        node.parentNode = top;
        top.childNodes.push(node);
        if (!token[5]) stack.push(node);
      } else if (token[6] !== undefined) top.childNodes.push(new Text(plain(token[6])));
    }
    if (end !== text.length || stack.length !== 1 || !root.elements.length) throw new SyntaxError('XML: not well-formed');
    return root.elements[0];
  };
  var cached = {};
  var tree = function (name) {
    if (!(name in cached)) cached[name] = given[name] ? parse(given[name]) : null;
    return cached[name];
  };
  var own = function (object, name) { return Object.prototype.hasOwnProperty.call(object, name) ? object[name] : null; };
  var key = function (scope, name) { return scope === 'transport' ? String(name).toLowerCase() : String(name); };
  var scopeOf = function (scope) {
    scope = scope || 'default';
    if (!(scope in scopes)) throw new TypeError("scope '" + scope + "': allowed are " + Object.keys(scopes).join(', '));
    return scope;
  };
  var xmlText = function (value) {
    return value !== null && value !== undefined && value.toXMLString ? value.toXMLString() : String(value);
  };
  var entry = function (name) {
    if (!(name in given.entries)) throw new TypeError('the key of a local entry must stand in the script as a literal: ' + name);
    return given.entries[name];
  };
  var log = {};
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].forEach(function (level) {
    log[level] = function (text) { record('log', [level, String(text)]); };
  });
  var mc = {
    getPayloadJSON: function () {
      if (!('object' in cached)) cached.object = given.json === null ? null : JSON.parse(given.json);
      return cached.object;
    },
    setPayloadJSON: function (value) {
      given.json = typeof value === 'string' ? value : JSON.stringify(value === undefined ? null : value);
      delete cached.object;
      given.text = given.json;
      record('setPayloadJSON', [given.json]);
    },
    getPayloadXML: function () { return tree('xml'); },
    setPayloadXML: function (value) {
      given.xml = xmlText(value);
      delete cached.xml;
      record('setPayloadXML', [given.xml]);
    },
    getPayloadText: function () { return given.text; },
    getEnvelopeXML: function () { return tree('envelope'); },
    getEnvelope: function () { return tree('envelope'); },
    setEnvelope: function (value) {
      given.envelope = xmlText(value);
      delete cached.envelope;
      record('setEnvelope', [given.envelope]);
    },
    addHeader: function (must, value) { record('addHeader', [!!must, xmlText(value)]); },
    getProperty: function (name, scope) {
      if (scope !== undefined) return own(scopes[scopeOf(scope)], key(scope, name));
      var found = own(scopes.default, name);
      return found === null ? own(given.special, name) : found;
    },
    setProperty: function (name, value, scope) {
      scope = scopeOf(scope);
      if (value !== null && typeof value === 'object' && value.toXMLString) value = value.toXMLString();
      if (value === undefined) value = null;
      scopes[scope][key(scope, name)] = value;
      record('setProperty', [String(name), value, scope]);
    },
    removeProperty: function (name, scope) {
      scope = scopeOf(scope);
      delete scopes[scope][key(scope, name)];
      record('removeProperty', [String(name), scope]);
    },
    getPropertyKeySet: function () { return Object.keys(scopes.default); },
    getJsonText: function () { return own(scopes.default, 'JSON_TEXT'); },
    setJsonText: function (text) { mc.setProperty('JSON_TEXT', text); },
    getLocalEntry: entry,
    getEntry: entry,
    parseXml: parse,
    getXpathResult: function (path) { return new Path(path); },
    getServiceLog: function () { return log; }
  };
  ['To', 'From', 'ReplyTo', 'FaultTo', 'MessageID', 'SoapAction', 'WSAAction', 'RelatesTo'].forEach(function (name) {
    mc['get' + name] = function () { return own(state, name); };
    mc['set' + name] = function (value) {
      state[name] = value === null || value === undefined ? null : String(value);
      record('set' + name, [state[name]]);
    };
  });
  ['Response', 'FaultResponse', 'DoingPOX', 'DoingGET', 'DoingMTOM', 'DoingSWA'].forEach(function (name) {
    mc['is' + name] = function () { return !!state[name]; };
    mc['set' + name] = function (value) { state[name] = !!value; record('set' + name, [!!value]); };
  });
  mc.isSOAP11 = function () { return !!state.SOAP11; };
  globalThis.mc = mc;
  globalThis.print = log.info;
  globalThis.console = {log: log.info, info: log.info, warn: log.warn, error: log.error, debug: log.debug};
  return function (result) { return JSON.stringify({calls: calls, going: result !== false}); };
})

/**
 * Rewrites a module so that it tells where it has been.
 *
 * For coverage, each function, each side of each branch, each loop body, case and handler counts itself in
 * `globalThis.__fuzz.edges`; as both sides of a branch count, these are the edges of the control flow. Lengths that size
 * an array pass through `__fuzz.allocate`. For comparing, both sides of a comparison pass through `__fuzz.compare`,
 * which is how the fuzzer learns the values that would turn a branch.
 */

import ts from "typescript"

/** A place that counts itself. */
export interface Edge {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** The text that begins there, cut. */
  readonly text: string
  readonly kind: string
}

/** What to put in. */
export type Instrumentation = "coverage" | "comparisons"

const LOGICAL = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
])
const COMPARING = new Map([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "==="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "!=="],
  [ts.SyntaxKind.LessThanToken, "<"],
  [ts.SyntaxKind.LessThanEqualsToken, "<="],
  [ts.SyntaxKind.GreaterThanToken, ">"],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">="],
])
const TEXT_TESTS = new Set(["startsWith", "endsWith", "includes"])
const ARRAYS = /^(?:Array|ArrayBuffer|(?:Uint|Int|Float|BigInt|BigUint)(?:8|16|32|64)(?:Clamped)?Array)$/

/** The code of `file`, rewritten. Edges are added to `edges`; the index of one is its number. */
export function instrument(file: string, code: string, what: Instrumentation, edges: Edge[]): string {
  const tree = ts.createSourceFile(file, code, ts.ScriptTarget.ESNext, true)
  const rewrite = what === "coverage" ? new CoverageRewriter(tree, edges) : new ComparisonRewriter()
  const { transformed } = ts.transform(tree, [
    (context) => (root) => {
      const visit = (node: ts.Node): ts.Node => rewrite.node(ts.visitEachChild(node, visit, context), node)
      return ts.visitEachChild(root, visit, context)
    },
  ])
  const body = ts.createPrinter().printFile(transformed[0] as ts.SourceFile)
  return `const __fuzz = globalThis.__fuzz, __edges = __fuzz.edges;\n${body}`
}

interface Rewriter {
  /** `node` has rewritten children; `original` is what stood in the file. */
  node(node: ts.Node, original: ts.Node): ts.Node
}

const { factory } = ts

class CoverageRewriter implements Rewriter {
  readonly #tree: ts.SourceFile
  readonly #edges: Edge[]

  constructor(tree: ts.SourceFile, edges: Edge[]) {
    this.#tree = tree
    this.#edges = edges
  }

  node(node: ts.Node, original: ts.Node): ts.Node {
    if (ts.isFunctionLike(node)) return this.#function(node, original)
    if (ts.isIfStatement(node)) {
      const then = this.#block(node.thenStatement, original, "then")
      const otherwise = this.#block(node.elseStatement ?? factory.createBlock([]), original, "else")
      return factory.updateIfStatement(node, node.expression, then, otherwise)
    }
    if (ts.isConditionalExpression(node)) {
      const { condition, questionToken, whenTrue, colonToken, whenFalse } = node
      const yes = this.#comma(whenTrue, original, "?")
      const no = this.#comma(whenFalse, original, ":")
      return factory.updateConditionalExpression(node, condition, questionToken, yes, colonToken, no)
    }
    if (ts.isBinaryExpression(node) && LOGICAL.has(node.operatorToken.kind)) {
      const right = this.#comma(node.right, original, node.operatorToken.getText(this.#tree))
      return factory.updateBinaryExpression(node, node.left, node.operatorToken, right)
    }
    if (ts.isCaseClause(node)) {
      return factory.updateCaseClause(node, node.expression, [
        this.#count(original, "case"),
        ...node.statements,
      ])
    }
    if (ts.isDefaultClause(node)) {
      return factory.updateDefaultClause(node, [this.#count(original, "default"), ...node.statements])
    }
    if (ts.isCatchClause(node)) {
      return factory.updateCatchClause(
        node,
        node.variableDeclaration,
        this.#block(node.block, original, "catch"),
      )
    }
    return this.#loop(node, original) ?? allocation(node)
  }

  #loop(node: ts.Node, original: ts.Node): ts.Node | undefined {
    if (ts.isForStatement(node)) {
      const body = this.#block(node.statement, original, "for")
      return factory.updateForStatement(node, node.initializer, node.condition, node.incrementor, body)
    }
    if (ts.isForOfStatement(node)) {
      const body = this.#block(node.statement, original, "for")
      return factory.updateForOfStatement(node, node.awaitModifier, node.initializer, node.expression, body)
    }
    if (ts.isWhileStatement(node)) {
      return factory.updateWhileStatement(
        node,
        node.expression,
        this.#block(node.statement, original, "while"),
      )
    }
    if (ts.isDoStatement(node)) {
      return factory.updateDoStatement(node, this.#block(node.statement, original, "do"), node.expression)
    }
    return undefined
  }

  #function(node: ts.Node, original: ts.Node): ts.Node {
    if (ts.isArrowFunction(node)) {
      const body = ts.isBlock(node.body)
        ? this.#block(node.body, original, "function")
        : this.#comma(node.body, original, "function")
      const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken } = node
      return factory.updateArrowFunction(
        node,
        modifiers,
        typeParameters,
        parameters,
        type,
        equalsGreaterThanToken,
        body,
      )
    }
    const { body } = node as ts.FunctionLikeDeclaration
    if (body === undefined || !ts.isBlock(body)) return node
    const counted = this.#block(body, original, "function")
    if (ts.isFunctionDeclaration(node)) {
      const { modifiers, asteriskToken, name, typeParameters, parameters, type } = node
      return factory.updateFunctionDeclaration(
        node,
        modifiers,
        asteriskToken,
        name,
        typeParameters,
        parameters,
        type,
        counted,
      )
    }
    if (ts.isFunctionExpression(node)) {
      const { modifiers, asteriskToken, name, typeParameters, parameters, type } = node
      return factory.updateFunctionExpression(
        node,
        modifiers,
        asteriskToken,
        name,
        typeParameters,
        parameters,
        type,
        counted,
      )
    }
    if (ts.isMethodDeclaration(node)) {
      const { modifiers, asteriskToken, name, questionToken, typeParameters, parameters, type } = node
      return factory.updateMethodDeclaration(
        node,
        modifiers,
        asteriskToken,
        name,
        questionToken,
        typeParameters,
        parameters,
        type,
        counted,
      )
    }
    if (ts.isConstructorDeclaration(node)) {
      return factory.updateConstructorDeclaration(node, node.modifiers, node.parameters, counted)
    }
    if (ts.isGetAccessorDeclaration(node)) {
      return factory.updateGetAccessorDeclaration(
        node,
        node.modifiers,
        node.name,
        node.parameters,
        node.type,
        counted,
      )
    }
    return node
  }

  /** `statement` as a block that counts itself. */
  #block(statement: ts.Statement, original: ts.Node, kind: string): ts.Block {
    const statements = ts.isBlock(statement) ? statement.statements : [statement]
    return factory.createBlock([this.#count(original, kind), ...statements], true)
  }

  #comma(expression: ts.Expression, original: ts.Node, kind: string): ts.Expression {
    const counted = factory.createComma(this.#increment(original, kind), expression)
    return factory.createParenthesizedExpression(counted)
  }

  #count(original: ts.Node, kind: string): ts.Statement {
    return factory.createExpressionStatement(this.#increment(original, kind))
  }

  #increment(original: ts.Node, kind: string): ts.Expression {
    const place = placeOf(original, kind)
    const start = place.getStart(this.#tree)
    const { line } = this.#tree.getLineAndCharacterOfPosition(start)
    const text = this.#tree.text.slice(start, start + 70).replace(/\s+/g, " ")
    const number = this.#edges.push({ file: this.#tree.fileName, line: line + 1, text, kind }) - 1
    const counter = factory.createElementAccessExpression(factory.createIdentifier("__edges"), number)
    return factory.createPostfixIncrement(counter)
  }
}

/** The part of `node` that the edge of that kind leads to. */
function placeOf(node: ts.Node, kind: string): ts.Node {
  if (ts.isIfStatement(node)) return kind === "then" ? node.thenStatement : (node.elseStatement ?? node)
  if (ts.isConditionalExpression(node)) return kind === "?" ? node.whenTrue : node.whenFalse
  return ts.isBinaryExpression(node) ? node.right : node
}

/** `new Uint8Array(n)` as `new Uint8Array(__fuzz.allocate(n, "Uint8Array"))`. */
function allocation(node: ts.Node): ts.Node {
  if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression) || !ARRAYS.test(node.expression.text))
    return node
  const [length] = node.arguments ?? []
  if (length === undefined || node.arguments?.length !== 1 || ts.isSpreadElement(length)) return node
  const name = factory.createStringLiteral(node.expression.text)
  return factory.updateNewExpression(node, node.expression, node.typeArguments, [
    call("allocate", length, name),
  ])
}

/** Places where values are compared, in all modules of a process. */
let places = 0

class ComparisonRewriter implements Rewriter {
  node(node: ts.Node): ts.Node {
    if (ts.isBinaryExpression(node)) {
      const operator = COMPARING.get(node.operatorToken.kind)
      if (operator === undefined) return node
      return call("compare", place(), factory.createStringLiteral(operator), node.left, node.right)
    }
    if (ts.isSwitchStatement(node)) {
      const values = node.caseBlock.clauses.flatMap((each) =>
        ts.isCaseClause(each) ? [each.expression] : [],
      )
      const told = call("choose", place(), node.expression, factory.createArrayLiteralExpression(values))
      return factory.updateSwitchStatement(node, told, node.caseBlock)
    }
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return node
    const { expression, name, questionDotToken } = node.expression
    const [argument] = node.arguments
    if (!TEXT_TESTS.has(name.text) || argument === undefined || node.arguments.length !== 1) return node
    if (questionDotToken !== undefined || node.questionDotToken !== undefined) return node
    return call("test", place(), factory.createStringLiteral(name.text), expression, argument)
  }
}

function place(): ts.Expression {
  places += 1
  return factory.createNumericLiteral(places)
}

function call(method: string, ...parameters: readonly ts.Expression[]): ts.Expression {
  const access = factory.createPropertyAccessExpression(factory.createIdentifier("__fuzz"), method)
  return factory.createCallExpression(access, undefined, parameters)
}

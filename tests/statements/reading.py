"""Reads SQL with PostgreSQL's own parser, and tells which tables it asks for no tenant in particular.

A table is asked for one tenant's rows when its `program_id` equals a value, or the `program_id` of another
table of the same query, or of one around it, that does. Only conditions that always hold count: those joined
by AND, in WHERE or in the ON of an inner join. Citus asks the same before it sends a statement to one shard.
"""

from collections.abc import Iterator
from typing import Any

import pglast
from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, JoinType
from pglast.visitors import Visitor

from loyalty_app.postgresql.places import DISTRIBUTED
from rewards.tenancy import COLUMN

Queries = (ast.SelectStmt, ast.UpdateStmt, ast.DeleteStmt, ast.InsertStmt)


def strays(sql: str) -> set[str]:
    """The tables of tenants that this statement touches without naming one tenant."""
    found: set[str] = set()
    for raw in pglast.parse_sql(sql):
        found |= _of_query(raw.stmt, {})
    return found


class _Parts(Visitor):
    """The tables and conditions of one query, and the queries inside it."""

    def __init__(self, query: Any) -> None:
        super().__init__()
        self.query = query
        self.tables: list[ast.RangeVar] = []
        self.inside: list[Any] = []

    def visit(self, ancestors: Any, node: Any) -> Any:
        if isinstance(node, Queries) and node is not self.query:
            self.inside.append(node)
            return pglast.visitors.Skip
        if isinstance(node, ast.RangeVar):
            self.tables.append(node)
        return None


def _of_query(query: Any, around: dict[str, bool]) -> set[str]:
    """`around`: aliases of the queries around this one, and whether each is bound to one tenant."""
    parts = _Parts(query)
    parts(query)
    tables = {_alias(table): table.relname for table in parts.tables if table.relname in DISTRIBUTED}
    bound = {**around, **dict.fromkeys(tables, False)}
    if isinstance(query, ast.InsertStmt):
        bound[_alias(query.relation)] = COLUMN in [column.name for column in query.cols or ()]
    _bind(list(_equalities(query, list(tables))), bound)
    found = {name for alias, name in tables.items() if not bound[alias]}
    for inner in parts.inside:
        found |= _of_query(inner, bound)
    return found


def _alias(table: ast.RangeVar) -> str:
    return table.alias.aliasname if table.alias else table.relname


def _bind(equal: list[tuple[str, str | None]], bound: dict[str, bool]) -> None:
    """Until nothing changes: what equals a value is bound, and what equals something bound is too."""
    for _ in range(len(equal) + 1):
        for left, right in equal:
            if right is None:
                bound[left] = True
            elif bound.get(left) or bound.get(right):
                bound[left] = bound[right] = True


def _equalities(query: Any, tables: list[str]) -> Iterator[tuple[str, str | None]]:
    """(alias, None) for `program_id = value`, (alias, other alias) for `a.program_id = b.program_id`."""
    for condition in _conditions(query):
        if not isinstance(condition, ast.A_Expr) or condition.kind != A_Expr_Kind.AEXPR_OP:
            continue
        if [part.sval for part in condition.name] != ["="]:
            continue
        left, right = _tenant_of(condition.lexpr, tables), _tenant_of(condition.rexpr, tables)
        if left and right:
            yield left, right
        elif left and _is_value(condition.rexpr):
            yield left, None
        elif right and _is_value(condition.lexpr):
            yield right, None


def _conditions(query: Any) -> Iterator[Any]:
    """What holds for every row: the conjuncts of WHERE, and of the ON of inner joins."""
    yield from _conjuncts(getattr(query, "whereClause", None))
    sources = getattr(query, "fromClause", None) or getattr(query, "usingClause", None) or ()
    for source in sources:
        yield from _of_joins(source)


def _of_joins(source: Any) -> Iterator[Any]:
    if isinstance(source, ast.JoinExpr):
        if source.jointype == JoinType.JOIN_INNER:
            yield from _conjuncts(source.quals)
        yield from _of_joins(source.larg)
        yield from _of_joins(source.rarg)


def _conjuncts(condition: Any) -> Iterator[Any]:
    if isinstance(condition, ast.BoolExpr) and condition.boolop == BoolExprType.AND_EXPR:
        for part in condition.args:
            yield from _conjuncts(part)
    elif condition is not None:
        yield condition


def _tenant_of(expression: Any, tables: list[str]) -> str | None:
    """Whose tenant column this is; one without a name belongs to the query's only table."""
    if not isinstance(expression, ast.ColumnRef):
        return None
    names = [part.sval for part in expression.fields if isinstance(part, ast.String)]
    if names[-1:] != [COLUMN]:
        return None
    return names[-2] if len(names) > 1 else tables[0] if len(tables) == 1 else None


def _is_value(expression: Any) -> bool:
    if isinstance(expression, ast.TypeCast):
        return _is_value(expression.arg)
    return isinstance(expression, ast.ParamRef | ast.A_Const)

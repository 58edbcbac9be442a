"""What the ledger promises, each as a query whose rows break it. `audit` runs them.

What a query can't tell: that an order earned what its state deserves (comparing with the shop does that), and
that nothing was acknowledged that isn't stored.
"""

from dataclasses import dataclass

from rewards.kinds import KINDS
from rewards.models import Bucket, Redemption


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: a name, the promise in words, and a query whose rows break it.

    In the query, {scope} is the condition on the program, {buckets} are all there are, {used_by_orders} the
    kinds of rewards that orders use up, {given_back} the states of redemptions that hold no place in a
    budget, {counted} the kinds that are counted, and {net_pending} and its like are what a group of
    movements has brought to a bucket, less what it has taken.
    """

    name: str
    promise: str
    sql: str

    def query(self, scope: str) -> str:
        return self.sql.format(
            scope=scope,
            buckets=BUCKETS,
            used_by_orders=USED_BY_ORDERS,
            given_back=GIVEN_BACK,
            counted=COUNTED,
            **NET,
        )


NET = {
    f"net_{bucket}": f"sum(CASE '{bucket}' WHEN target THEN points WHEN source THEN -points ELSE 0 END)"
    for bucket in Bucket.values
}
BUCKETS = ", ".join(f"'{bucket}'" for bucket in Bucket.values)
GIVEN_BACK = ", ".join(f"'{state}'" for state in Redemption.GIVEN_BACK)
USED_BY_ORDERS = ", ".join(f"'{kind.name}'" for kind in KINDS.values() if kind.used_by_order)
COUNTED = ", ".join(f"'{kind.name}'" for kind in KINDS.values() if kind.is_counted)

# A sum without its row is as wrong as a row without its sum: hence the full joins.
CHECKS = [
    Check(
        "balances",
        "Each member's balances equal the sums of their movements.",
        """
        WITH sums AS (
            SELECT program_id, member_id,
                   {net_pending} AS pending, {net_available} AS available,
                   {net_reserved} AS reserved, {net_debt} AS debt
            FROM rewards_movement WHERE {scope} GROUP BY program_id, member_id
        )
        SELECT COALESCE(m.program_id, s.program_id) AS program, COALESCE(m.id, s.member_id) AS member,
               m.pending, s.pending AS moved_pending, m.available, s.available AS moved_available,
               m.reserved, s.reserved AS moved_reserved, m.debt, s.debt AS moved_debt
        FROM (SELECT * FROM rewards_member WHERE {scope}) m
        FULL JOIN sums s ON s.program_id = m.program_id AND s.member_id = m.id
        WHERE (m.pending, m.available, m.reserved, m.debt) IS DISTINCT FROM
              (COALESCE(s.pending, 0), COALESCE(s.available, 0),
               COALESCE(s.reserved, 0), COALESCE(s.debt, 0))
        """,
    ),
    Check(
        "signs",
        "Nothing is below zero but debt, and debt is owed only with nothing available.",
        """
        SELECT program_id AS program, id AS member, pending, available, reserved, debt FROM rewards_member
        WHERE {scope} AND (pending < 0 OR available < 0 OR reserved < 0 OR debt > 0
                           OR (debt < 0 AND available > 0))
        """,
    ),
    Check(
        "lots",
        "Each lot holds what its movements say, nothing below zero, and never more than it was given.",
        """
        WITH sums AS (
            SELECT program_id, lot_id,
                   {net_pending} AS pending, {net_available} AS available,
                   {net_reserved} AS reserved, {net_expired} AS expired
            FROM rewards_movement WHERE {scope} GROUP BY program_id, lot_id
        )
        SELECT COALESCE(l.program_id, s.program_id) AS program, COALESCE(l.id, s.lot_id) AS lot, l.given,
               l.pending, s.pending AS moved_pending, l.available, s.available AS moved_available,
               l.reserved, s.reserved AS moved_reserved, l.expired, s.expired AS moved_expired
        FROM (SELECT * FROM rewards_lot WHERE {scope}) l
        FULL JOIN sums s ON s.program_id = l.program_id AND s.lot_id = l.id
        WHERE (l.pending, l.available, l.reserved, l.expired)
              IS DISTINCT FROM (s.pending, s.available, s.reserved, s.expired)
           OR least(l.pending, l.available, l.reserved, l.expired) < 0
           OR l.pending + l.available + l.reserved + l.expired > l.given
        """,
    ),
    Check(
        "lots and members",
        "The lots of a member hold exactly the member's points.",
        """
        WITH held AS (
            SELECT program_id, member_id, sum(pending) AS pending, sum(available) AS available,
                   sum(reserved) AS reserved
            FROM rewards_lot WHERE {scope} GROUP BY program_id, member_id
        )
        SELECT COALESCE(m.program_id, h.program_id) AS program, COALESCE(m.id, h.member_id) AS member,
               m.pending, h.pending AS in_lots_pending, m.available, h.available AS in_lots_available,
               m.reserved, h.reserved AS in_lots_reserved
        FROM (SELECT * FROM rewards_member WHERE {scope}) m
        FULL JOIN held h ON h.program_id = m.program_id AND h.member_id = m.id
        WHERE (m.pending, m.available, m.reserved) IS DISTINCT FROM
              (COALESCE(h.pending, 0), COALESCE(h.available, 0), COALESCE(h.reserved, 0))
        """,
    ),
    Check(
        "orders",
        "Each order has the points that were posted for it, and never more was reversed than earned.",
        """
        WITH sums AS (
            SELECT program_id, order_id,
                   sum(CASE WHEN source = 'issued' THEN points ELSE 0 END) AS earned,
                   sum(CASE WHEN target = 'issued' THEN points ELSE 0 END) AS reversed
            FROM rewards_movement WHERE order_id IS NOT NULL AND {scope} GROUP BY program_id, order_id
        )
        SELECT COALESCE(o.program_id, s.program_id) AS program, COALESCE(o.id, s.order_id) AS order,
               o.external_id, o.points, s.earned, s.reversed
        FROM (SELECT program_id, id, external_id, points FROM rewards_order WHERE {scope}) o
        FULL JOIN sums s ON s.program_id = o.program_id AND s.order_id = o.id
        WHERE o.points IS DISTINCT FROM COALESCE(s.earned - s.reversed, 0) OR s.reversed > s.earned
        """,
    ),
    Check(
        "orders that earn nothing",
        "No order has points, or counts towards a tier, that was cancelled, is a test, or has no member.",
        """
        SELECT program_id AS program, id AS order, external_id, points, spend FROM rewards_order
        WHERE (points <> 0 OR spend <> 0) AND {scope}
          AND (context IS NULL OR member_id IS NULL OR (context->>'excluded')::boolean
               OR (facts->>'cancelled')::boolean OR (facts->>'test')::boolean)
        """,
    ),
    Check(
        "limits of rewards",
        "As many places of a reward's budget are taken as there are redemptions that hold one.",
        """
        WITH held AS (
            SELECT program_id, 'reward:' || (reward->>'id') AS rule,
                   count(*) FILTER (WHERE state NOT IN ({given_back})) AS number
            FROM rewards_redemption WHERE (reward->>'placed')::boolean AND {scope} GROUP BY 1, 2
        )
        SELECT COALESCE(b.program_id, h.program_id) AS program, COALESCE(b.rule, h.rule) AS budget,
               b.used, h.number AS held
        FROM (
            SELECT program_id, rule, used FROM rewards_budget WHERE starts_with(rule, 'reward:') AND {scope}
        ) b
        FULL JOIN held h ON h.program_id = b.program_id AND h.rule = b.rule
        WHERE COALESCE(b.used, 0) <> COALESCE(h.number, 0)
        """,
    ),
    Check(
        "redemptions",
        "Each redemption has its points where its state says: reserved, spent, or back; a gift moves none.",
        """
        WITH sums AS (
            SELECT program_id, redemption_id, {net_reserved} AS reserved, {net_spent} AS spent
            FROM rewards_movement WHERE redemption_id IS NOT NULL AND {scope}
            GROUP BY program_id, redemption_id
        )
        SELECT COALESCE(r.program_id, s.program_id) AS program, COALESCE(r.id, s.redemption_id) AS redemption,
               r.state, r.points, s.reserved, s.spent
        FROM (SELECT * FROM rewards_redemption WHERE {scope}) r
        FULL JOIN sums s ON s.program_id = r.program_id AND s.redemption_id = r.id
        WHERE (CASE
            WHEN r.points = 0 THEN s.redemption_id IS NULL
            WHEN r.state = 'reserved' THEN s.reserved = r.points AND s.spent = 0
            WHEN r.state IN ('issued', 'ending', 'used') THEN s.reserved = 0 AND s.spent = r.points
            WHEN r.state = 'cancelled' AND r.ending_with = 'nothing'
            THEN s.reserved = 0 AND s.spent = r.points
            WHEN r.state = 'expired' THEN s.reserved = 0 AND s.spent IN (0, r.points)
            WHEN r.state IN ('failed', 'cancelled', 'returned') THEN s.reserved = 0 AND s.spent = 0
            END) IS NOT TRUE
        """,
    ),
    Check(
        "redemptions at rest",
        "Each redemption has an order that used it, or somebody who still looks at it, where it needs one.",
        """
        SELECT program_id AS program, id AS redemption, state FROM rewards_redemption
        WHERE {scope} AND ((state IN ('reserved', 'ending') AND due_at IS NULL)
                           OR (state IN ('used', 'returned') AND order_id IS NULL
                               AND reward->>'kind' IN ({used_by_orders})))
        """,
    ),
    Check(
        "referrals",
        "Each referral's points were given where it is paid, and are back where it was returned.",
        """
        WITH sums AS (
            SELECT program_id, (explanation->>'referral')::bigint AS referral_id,
                   sum(CASE WHEN source = 'issued' THEN points ELSE 0 END) AS given,
                   sum(CASE WHEN target = 'issued' THEN points ELSE 0 END) AS taken
            FROM rewards_movement WHERE kind = 'referral' AND {scope} GROUP BY 1, 2
        )
        SELECT COALESCE(r.program_id, s.program_id) AS program, COALESCE(r.id, s.referral_id) AS referral,
               r.state, r.points, s.given, s.taken
        FROM (SELECT program_id, id, state, points FROM rewards_referral WHERE {scope}) r
        FULL JOIN sums s ON s.program_id = r.program_id AND s.referral_id = r.id
        WHERE (COALESCE(s.given, 0), COALESCE(s.taken, 0)) IS DISTINCT FROM
              (CASE WHEN r.state IN ('paid', 'returned') THEN r.points ELSE 0 END,
               CASE WHEN r.state = 'returned' THEN r.points ELSE 0 END)
        """,
    ),
    Check(
        "tallies",
        "Of each reward that is counted, as many are taken, and worth as much, as its redemptions say.",
        """
        SELECT COALESCE(t.program_id, s.program_id) AS program, COALESCE(t.reward, s.reward) AS reward,
               t.count, s.count AS redemptions, t.value, s.value AS worth
        FROM (SELECT program_id, reward, count, value FROM rewards_tally WHERE {scope}) t
        FULL JOIN (
            SELECT program_id, reward->>'id' AS reward, count(*) AS count, sum(COALESCE(value, 0)) AS value
            FROM rewards_redemption
            WHERE {scope} AND reward->>'kind' IN ({counted})
              AND state IN ('reserved', 'issued', 'ending', 'used')
            GROUP BY program_id, reward->>'id'
        ) s ON s.program_id = t.program_id AND s.reward = t.reward
        WHERE (COALESCE(t.count, 0), COALESCE(t.value, 0)) <> (COALESCE(s.count, 0), COALESCE(s.value, 0))
        """,
    ),
    Check(
        "stock",
        "Of nothing more was given than there ever was.",
        """
        SELECT b.program_id AS program, b.rule AS budget, b.used, max((r.reward->>'in_total')::bigint) AS most
        FROM (SELECT * FROM rewards_budget WHERE starts_with(rule, 'reward:') AND {scope}) b
        JOIN rewards_programversion v ON v.program_id = b.program_id
        CROSS JOIN jsonb_array_elements(v.document->'rewards') AS r (reward)
        WHERE 'reward:' || (r.reward->>'id') = b.rule AND r.reward->>'kind' = 'exclusive'
        GROUP BY b.program_id, b.rule, b.used
        HAVING b.used > max((r.reward->>'in_total')::bigint)
        """,
    ),
    Check(
        "payouts",
        "Of no donation more was paid out than was given.",
        """
        SELECT p.program_id AS program, p.reward, p.paid, t.value AS given
        FROM (SELECT program_id, reward, sum(amount) AS paid FROM rewards_payout WHERE {scope}
              GROUP BY program_id, reward) p
        LEFT JOIN rewards_tally t ON t.program_id = p.program_id AND t.reward = p.reward
        WHERE p.paid > COALESCE(t.value, 0)
        """,
    ),
    Check(
        "draws",
        "The winners of each draw follow from its seed and its entries, and its seed from the program.",
        """
        SELECT d.program_id AS program, d.reward, d.turn, d.winners, due.winners AS due
        FROM (SELECT * FROM rewards_drawing WHERE {scope}) d
        JOIN rewards_program p ON p.id = d.program_id
        CROSS JOIN LATERAL (
            SELECT COALESCE(jsonb_agg(entry ORDER BY number), '[]') AS winners FROM (
                SELECT entry, number FROM (
                    SELECT DISTINCT ON (person) entry,
                           sha256(convert_to(d.seed || ':' || entry::text, 'UTF8')) AS number
                    FROM jsonb_array_elements(d.entries) WITH ORDINALITY AS people (own, person)
                    CROSS JOIN jsonb_array_elements(own) AS entry
                    ORDER BY person, number
                ) best
                ORDER BY number LIMIT d.prizes
            ) found
        ) due
        WHERE d.winners <> due.winners
           OR d.seed <> CASE WHEN d.called_off THEN '' ELSE
               encode(sha256(p.salt || convert_to(':draw:' || d.reward, 'UTF8')), 'hex') END
        """,
    ),
    Check(
        "tiers",
        "Each member's tier is the one that their history came to last.",
        """
        WITH last AS (
            SELECT DISTINCT ON (program_id, member_id) program_id, member_id, tier
            FROM rewards_tierchange WHERE {scope} ORDER BY program_id, member_id, id DESC
        )
        SELECT COALESCE(s.program_id, l.program_id) AS program, COALESCE(s.member_id, l.member_id) AS member,
               s.tier, l.tier AS last_tier
        FROM (SELECT program_id, member_id, tier FROM rewards_membertier WHERE {scope}) s
        FULL JOIN last l ON l.program_id = s.program_id AND l.member_id = s.member_id
        LEFT JOIN rewards_member gone ON gone.program_id = l.program_id AND gone.id = l.member_id
                                     AND gone.merged_into_id IS NOT NULL
        WHERE COALESCE(s.tier, '') <> COALESCE(l.tier, '') AND gone.id IS NULL
        """,
    ),
    Check(
        "ways through tiers",
        "Each move to another tier begins where the one before it ended, and not before it.",
        """
        SELECT program_id AS program, member_id AS member, id AS move, previous, came_from, happened_at
        FROM (SELECT program_id, member_id, id, previous, happened_at, lag(tier) OVER way AS came_from,
                     lag(happened_at) OVER way AS earlier
              FROM rewards_tierchange WHERE {scope}
              WINDOW way AS (PARTITION BY program_id, member_id ORDER BY id)) moves
        WHERE previous <> COALESCE(came_from, '') OR happened_at < earlier
        """,
    ),
    Check(
        "welcomes",
        "Each member is given the points of arriving at a tier at most once.",
        """
        SELECT program_id AS program, member_id AS member, explanation->>'level' AS level, count(*) AS times
        FROM rewards_movement WHERE kind = 'tier' AND source = 'issued' AND {scope}
        GROUP BY program_id, member_id, explanation->>'level' HAVING count(*) > 1
        """,
    ),
    Check(
        "lapses",
        "Each point lapses at most once.",
        """
        SELECT s.program_id AS program, s.lot_id AS lot, l.given, s.lapsed
        FROM (SELECT program_id, lot_id, {net_expired} AS lapsed FROM rewards_movement
              WHERE (target = 'expired' OR source = 'expired') AND {scope}
              GROUP BY program_id, lot_id) s
        LEFT JOIN rewards_lot l ON l.program_id = s.program_id AND l.id = s.lot_id
        WHERE (s.lapsed BETWEEN 0 AND l.given) IS NOT TRUE
        """,
    ),
    Check(
        "transfers",
        "What leaves one lot or member for another arrives there.",
        """
        SELECT program_id AS program, kind, happened_at, {net_transferred} AS lost FROM rewards_movement
        WHERE (target = 'transferred' OR source = 'transferred') AND {scope}
        GROUP BY program_id, kind, happened_at HAVING {net_transferred} <> 0
        """,
    ),
    Check(
        "movements",
        "Each movement carries points from one place to another that there is.",
        """
        SELECT program_id AS program, id AS movement, points, source, target FROM rewards_movement
        WHERE {scope} AND (points <= 0 OR source = target
                           OR source NOT IN ({buckets}) OR target NOT IN ({buckets}))
        """,
    ),
    Check(
        "keys",
        "Nothing was posted twice under one key.",
        """
        SELECT program_id AS program, key, count(*) AS times FROM rewards_movement WHERE {scope}
        GROUP BY program_id, key HAVING count(*) > 1
        """,
    ),
    Check(
        "forgotten",
        "Nothing names a member who asked to be forgotten.",
        """
        WITH gone AS (
            SELECT program_id, id, tags FROM rewards_member WHERE redacted_at IS NOT NULL AND {scope}
        )
        SELECT g.program_id AS program, g.id AS member, i.external_id AS identity, g.tags,
               r.id AS redemption, o.id AS order
        FROM gone g
        LEFT JOIN rewards_identity i ON i.program_id = g.program_id AND i.member_id = g.id
        LEFT JOIN rewards_redemption r ON r.program_id = g.program_id AND r.member_id = g.id
                                      AND r.customer_id <> 0
        LEFT JOIN rewards_order o ON o.program_id = g.program_id AND o.member_id = g.id
                                 AND o.facts->>'customer_id' IS NOT NULL
        WHERE i.id IS NOT NULL OR g.tags IS NOT NULL OR r.id IS NOT NULL OR o.id IS NOT NULL
        """,
    ),
    Check(
        "walls",
        "The database itself refuses changed movements, and references from one program to another.",
        """
        SELECT wanted.name, COALESCE(w.stands, false) AS stands FROM (
            VALUES ('rewards_movement_stays'), ('movement_once'), ('redemption_key_once'), ('order_once'),
                   ('member_not_overdrawn'), ('member_debt_only_when_empty'), ('order_never_negative'),
                   ('lot_holds_what_it_was_given'), ('rewards_movement_member_id_in_program'),
                   ('rewards_movement_lot_id_in_program'), ('rewards_movement_order_id_in_program'),
                   ('rewards_movement_redemption_id_in_program'), ('rewards_lot_member_id_in_program'),
                   ('rewards_lot_order_id_in_program'), ('rewards_lot_parent_id_in_program'),
                   ('rewards_order_member_id_in_program'), ('rewards_redemption_member_id_in_program'),
                   ('rewards_redemption_order_id_in_program'), ('rewards_identity_member_id_in_program'),
                   ('rewards_member_merged_into_id_in_program'), ('rewards_tierchange_stays'),
                   ('rewards_membertier_member_id_in_program'), ('rewards_tierchange_member_id_in_program'),
                   ('rewards_tiergrant_member_id_in_program'), ('rewards_tiergrant_order_id_in_program'),
                   ('rewards_drawing_stays'), ('drawing_once'), ('tally_once'), ('tally_not_below_nothing'),
                   ('payout_once'), ('rewards_wait_member_id_in_program')
        ) AS wanted (name)
        LEFT JOIN (
            SELECT conname AS name, convalidated AS stands FROM pg_constraint
            WHERE connamespace = current_schema()::regnamespace
            UNION ALL
            SELECT tgname, tgenabled IN ('O', 'A') FROM pg_trigger
            WHERE NOT tgisinternal
              AND tgrelid IN ('rewards_movement'::regclass, 'rewards_tierchange'::regclass,
                              'rewards_drawing'::regclass)
        ) w ON w.name = wanted.name
        WHERE w.stands IS NOT TRUE
        """,
    ),
]

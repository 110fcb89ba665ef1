"""One run as one HTML file: styles, script, charts and pictures inlined, nothing fetched."""

from __future__ import annotations

import json

from traits_core.reporting.bars import headline_chart, trait_chart
from traits_core.reporting.colormap import css_gradient
from traits_core.reporting.content import ReportContent
from traits_core.reporting.environment import render_template
from traits_core.reporting.lines import grid_chart
from traits_core.reporting.pictures import panel_view
from traits_core.reporting.ranking import best_and_worst, group_table, rank_traits
from traits_core.reporting.scatter import scatter
from traits_core.reporting.summary import headline_sentences, traits_sentence
from traits_core.reporting.tables import headline_table, other_table, table_view, trait_table

SHOWN_TRAITS = 12
MAX_ROWS = 200


def render(content: ReportContent) -> str:
    """The page as one string of HTML; all text of `content` is escaped."""
    ranked = rank_traits(content.traits)
    best, worst = best_and_worst(ranked, SHOWN_TRAITS)
    return render_template(
        "page.html.j2",
        content=content,
        sentences=headline_sentences(content.headline, content.method),
        headline_chart=headline_chart(content.headline, content.method),
        headline=table_view(headline_table(content.headline, content.method), MAX_ROWS),
        ranked=ranked,
        n_undefined=sum(row.get("row") == "method" for row in content.traits) - len(ranked),
        traits_sentence=traits_sentence(ranked),
        best=trait_chart(best, "gaussian") if best else None,
        worst=trait_chart(worst, "gaussian") if worst else None,
        scatter=scatter(ranked) if ranked else None,
        groups=table_view(group_table(ranked)),
        panels={
            kind: [panel_view(panel) for panel in content.panels if panel.kind == kind]
            for kind in ("best", "worst")
        },
        has_texts=any(e.text is not None for panel in content.panels for e in panel.exemplars),
        gradient=css_gradient(),
        traits=table_view(trait_table(content.traits)),
        other_tables={
            name: table_view(other_table(table, content.method), MAX_ROWS)
            for name, table in content.other_tables.items()
        },
        grid_chart=grid_chart(content.other_tables.get("grid", ()), content.method),
        config=json.dumps(dict(content.config), indent=2, default=str),
    )

#include "conformance/clauses.hpp"
#include "conformance/report/events.hpp"
#include "conformance/report/reading.hpp"
#include "conformance/report/spec_markdown.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

/// The text of the specification in the HTML report: read rightly, whole, and each clause in its colour.
namespace {

using namespace bsp::conformance;
namespace json = bsp::json;

link_target const nowhere = [](std::string_view) { return std::string{}; };
link_target const as_it_is = [](std::string_view link) { return std::string{link}; };

std::string html(std::string_view markdown) {
    std::string out;
    for (auto const& b : blocks_of(markdown, as_it_is)) out += b.heading > 0 ? "<h" + std::to_string(b.heading) + ">" + b.html : !b.clause.empty() ? "<" + b.clause + ">" + b.html : b.html;
    return out;
}

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

int count(std::string const& text, std::string const& part) {
    int n = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
    return n;
}

/// The page of a run with one check, which failed, of BSP-ID-001; `clauses` are those that the run judged.
std::string page(std::string const& clause_set, json::array clauses) {
    std::ostringstream out;
    auto const report = html_report(out);
    report->take({{"event", "run-started"}, {"suite_version", "1"}, {"spec", "1.0"}, {"clause_set_hash", clause_set}, {"seed", 1}, {"target", json::object{{"url", "http://h"}}}, {"checks", 1}});
    report->take({{"event", "check"}, {"check", "id/x"}, {"title", "t"}, {"group", "g"}, {"profile", "ID"}, {"strength", "MUST"}, {"aspect", "behaviour"}, {"verdict", "FAIL"}, {"counts", true},
                  {"clauses", json::array{"BSP-ID-001"}}});
    report->take({{"event", "run-finished"}, {"exit_code", 1}, {"compatible", "no"}, {"strict", "no"}, {"clauses", std::move(clauses)}});
    return out.str();
}

json::object judged_clause(std::string const& id, std::string const& sentence) { return {{"id", id}, {"sentence", sentence}, {"verdict", "FAIL"}, {"checks", json::array{"id/x"}}}; }

json::object judged_clause(std::string const& id) { return judged_clause(id, find_clause(id)->sentence); }

}  // namespace

BOOST_AUTO_TEST_SUITE(suite_spec_text)

BOOST_AUTO_TEST_CASE(inline_markup) {
    for (auto const& [markdown, expected] : {std::pair<char const*, char const*>{"a < b & \"c\"", "a &lt; b &amp; &quot;c&quot;"},
                                             {"`a < *b*`", "<code>a &lt; *b*</code>"},
                                             {"``a`b``", "<code>a`b</code>"},
                                             {"`a", "`a"},
                                             {"*a* **b** **c *d* e**", "<em>a</em> <strong>b</strong> <strong>c <em>d</em> e</strong>"},
                                             {"2 * 3 * 4, *a", "2 * 3 * 4, *a"},
                                             {"*a `*` b*", "<em>a <code>*</code> b</em>"},
                                             {"\\*a\\* \\| \\d", "*a* | \\d"},
                                             {"[a `]` *b*](c.md#d)", "<a href=\"c.md#d\">a <code>]</code> <em>b</em></a>"},
                                             {"[a] (b), [c]", "[a] (b), [c]"},
                                             {"see BSP-GEN-001, not BSP-" "GEN-0011", "see <a href=\"#bsp-gen-001\">BSP-GEN-001</a>, not BSP-" "GEN-0011"},
                                             {"[BSP-GEN-001](x)", "<a href=\"x\">BSP-GEN-001</a>"},
                                             {"`BSP-GEN-001`", "<code>BSP-GEN-001</code>"},
                                             {"<b onclick=x>", "&lt;b onclick=x&gt;"},
                                             {"[a](\"><b>)", "<a href=\"&quot;&gt;&lt;b&gt;\">a</a>"}})
        BOOST_TEST(inline_html(markdown, as_it_is) == expected);
    BOOST_TEST(inline_html("[a](schemas) BSP-GEN-001", nowhere) == "a BSP-GEN-001");
}

BOOST_AUTO_TEST_CASE(blocks) {
    for (auto const& [markdown, expected] : {std::pair<char const*, char const*>{"# A `b`\n\n## C", "<h1>A <code>b</code><h2>C"},
                                             {"a\nb\n\nc\n", "<p>a\nb</p><p>c</p>"},
                                             {"a\n- b\n  c\n- d\n\ne", "<p>a</p><ul><li>b\nc</li><li>d</li></ul><p>e</p>"},
                                             {"1. a\n   - b\n     c\n   - d\n2. e", "<ol><li>a<ul><li>b\nc</li><li>d</li></ul></li><li>e</li></ol>"},
                                             {"- a\n\n- b\n\n  c\n\nd", "<ul><li><p>a</p></li><li><p>b</p><p>c</p></li></ul><p>d</p>"},
                                             {"in\n2025. It", "<p>in\n2025. It</p>"},
                                             {"```json\n{\"a\": [\n\n  *1*]}\n```\nb", "<pre><code>{&quot;a&quot;: [\n\n  *1*]}\n</code></pre><p>b</p>"},
                                             {"| a | b |\n|---|:-:|\n| `c\\|d` | e |\n| f |\ng",
                                              "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td><code>c|d</code></td><td>e</td></tr><tr><td>f</td><td></td></tr></tbody></table><p>g</p>"},
                                             {"<!-- generated -->\na", "<p>a</p>"},
                                             {"<a id=\"bsp-gen-001\"></a>**BSP-GEN-001** *(server; A-008)* It *must*. *(untested: `x`)*",
                                              "<BSP-GEN-001><small>(server; A-008)</small> It <em>must</em>. <small>(untested: <code>x</code>)</small>"},
                                             {"<a id=\"x\"></a>a", "<p>&lt;a id=&quot;x&quot;&gt;&lt;/a&gt;a</p>"}})
        BOOST_TEST(html(markdown) == expected);
}

BOOST_AUTO_TEST_CASE(every_clause_stands_once_in_the_text_as_the_register_has_it) {
    std::map<std::string, std::string> text;
    for (auto const& [file, markdown] : specification_text())
        for (auto const& b : blocks_of(markdown, nowhere))
            if (!b.clause.empty()) BOOST_TEST(text.emplace(b.clause, b.html).second, b.clause);
    BOOST_TEST(text.size() == specification().clauses.size());
    for (auto const& c : specification().clauses) {
        BOOST_TEST(has(text[c.id], "</small> " + inline_html(c.sentence, nowhere)), c.id);
        if (c.untested) BOOST_TEST(has(text[c.id], "(untested: " + inline_html(*c.untested, nowhere) + ")"), c.id);
    }
}

BOOST_AUTO_TEST_CASE(nothing_of_the_text_is_left_as_markup) {
    for (auto const& [file, markdown] : specification_text())
        for (auto const& b : blocks_of(markdown, nowhere)) {
            auto prose = b.html;
            for (std::size_t at = 0; (at = prose.find("<code>", at)) != std::string::npos;) prose.erase(at, prose.find("</code>", at) - at);
            for (char const* left : {"**", "](", "```", "&lt;", "|--"}) BOOST_TEST(!has(prose, left), file << ": " << left << " in " << prose);
        }
}

BOOST_AUTO_TEST_CASE(the_page_is_the_whole_text) {
    json::array all;
    for (auto const& c : specification().clauses) all.emplace_back(c.id == "BSP-ID-001" ? judged_clause(c.id) : json::object{{"id", c.id}, {"sentence", c.sentence}, {"checks", json::array{}}});
    auto const p = page(specification().hash, all);
    for (auto const& c : specification().clauses) BOOST_TEST(count(p, " id=\"" + c.id + "\" data-verdict=\"" + (c.id == "BSP-ID-001" ? "fail" : "none") + "\"") == 1, c.id);
    for (char const* part : {"<h3>1. Conventions<", "<h4>1.4 Canonical bytes: C14N-1</h4>", "(so <code>/</code>, <code>&lt;</code> and <code>'</code> are not escaped)", "href=\"#06-sync\"", "href=\"#BSP-GEN-111\""})
        BOOST_TEST(has(p, part), part);
    BOOST_TEST(!has(p, "another clause set"));
    BOOST_TEST(!has(p, "further-clauses"));
    // Every link leads somewhere on the page.
    std::set<std::string> places;
    for (auto const& [mark, into_places] : {std::pair{std::string{" id=\""}, true}, {std::string{" href=\"#"}, false}})
        for (std::size_t at = 0; (at = p.find(mark, at)) != std::string::npos;) {
            at += mark.size();
            auto const name = p.substr(at, p.find('"', at) - at);
            if (into_places) BOOST_TEST(places.insert(name).second, name << " twice");
            else BOOST_TEST(places.contains(name), name);
        }
    BOOST_TEST(count(p, "href=\"") == count(p, "href=\"#"));
}

BOOST_AUTO_TEST_CASE(another_clause_set_is_said_and_its_sentences_stand) {
    auto const p = page("0123456789abcdef", {judged_clause("BSP-ID-001", "A backend MUST have been *otherwise*."), judged_clause("BSP-ID-002"), judged_clause("BSP-" "OLD-001", "A server MUST <grow> old.")});
    BOOST_TEST(has(p, "another clause set (" + specification().hash.substr(0, 12) + ") than the one that this run judged (0123456789ab)"));
    BOOST_TEST(has(p, "A backend MUST have been <em>otherwise</em>."));
    BOOST_TEST(count(p, "<p>Now: ") == 1);
    BOOST_TEST(has(p, "id=\"BSP-" "OLD-001\" data-verdict=\"fail\""));
    BOOST_TEST(has(p, "A server MUST &lt;grow&gt; old."));
    BOOST_TEST(has(p, "id=\"BSP-ID-003\" data-verdict=\"none\""));
    BOOST_TEST(has(p, "The run knows no such clause."));
}

BOOST_AUTO_TEST_SUITE_END()

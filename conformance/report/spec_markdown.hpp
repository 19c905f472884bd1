#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// The Markdown that spec/ is written in, as HTML: headings, paragraphs, nested lists, tables and fenced code; code
/// spans, emphasis, links and escapes. CommonMark as far as it goes, with GitHub's tables. Anything else is text:
/// nothing of a source is taken over as HTML.
namespace bsp::conformance {

/// `text` for the content of an element or an attribute in double quotes; control characters become blanks.
std::string html_text(std::string_view text);

/// Where a link of the text leads: from "06-sync.md#bsp-syn-001" to an address on the page, or to "" when the page has
/// no such place, and the words stand alone. Clause ids in running text are asked for as "#bsp-syn-001".
using link_target = std::function<std::string(std::string_view)>;

std::string inline_html(std::string_view markdown, link_target const&);

/// One block between the blank lines of a text.
struct text_block {
    std::string html;         ///< whole elements; of a heading and a clause only what is inside
    int heading = 0;          ///< 1 to 6: a heading of this level
    std::string clause = {};  ///< "BSP-SYN-001": this clause; `html` is what follows its id, remarks at its ends as <small>
};

std::vector<text_block> blocks_of(std::string_view markdown, link_target const&);

}  // namespace bsp::conformance

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::conformance {

/// One normative sentence of the specification, as spec/clauses.json has it.
struct clause {
    std::string id;        ///< "BSP-SYN-020"
    std::string profile;   ///< "SYN"
    std::string level;     ///< "MUST", "SHOULD" or "MAY"
    std::string role;      ///< who is bound by it: server, client, ui, both, operator
    std::string sentence;  ///< exact, in Markdown
    std::string file;      ///< "spec/06-sync.md"
    std::string anchor;    ///< within the file
    std::optional<std::string> untested;  ///< why no check can judge it
};

/// The specification that this build of the suite was made from.
struct clause_set {
    std::string spec;  ///< revision
    std::string hash;  ///< over ids and sentences
    std::vector<clause> clauses;
};

clause_set const& specification();

clause const* find_clause(std::string_view id);

/// The whole text of that specification, in reading order: "spec/06-sync.md" and its Markdown.
std::span<std::pair<std::string_view, std::string_view> const> specification_text() noexcept;

/// Problems in what the suite is made of: unknown clauses, ids that break their grammar or occur twice, texts
/// left empty. Empty in a sound build; otherwise the program ends with 70.
std::vector<std::string> flaws_of_the_suite();

}  // namespace bsp::conformance

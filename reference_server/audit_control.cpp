#include "audit_file.hpp"
#include "pairing.hpp"
#include "storage/registry.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace bsp::server::audit_control {
namespace {

using namespace std::chrono_literals;

std::string text_of(audit_seal const& s) { return std::to_string(s.number) + ':' + to_hex(s.hash); }

/// What holds of a trail as it goes by, entry by entry: that the head that was asked for is part of it, and that no more is
/// missing from its beginning than the trail itself says was taken away.
class witness {
public:
    explicit witness(std::string head) : head_{std::move(head)} {}

    void begins_after(audit_seal const& s) { begin_ = s, pass(s); }
    void pass(audit_seal const& s) { seen_ = seen_ || text_of(s) == head_; }
    void pass(audit_seal const& s, std::string_view type, std::string const& details) {
        pass(s);
        if (type != name_of(audit_type::retention_enforced)) return;
        auto const value = json::parse(details);
        auto const* through = value && value->is_object() ? value->get_object().if_contains("audit_through") : nullptr;
        if (through && through->is_int64()) taken_through_ = std::max(taken_through_, static_cast<std::uint64_t>(std::max<std::int64_t>(through->get_int64(), 0)));
    }

    void check(std::string const& where) const {
        if (begin_.number > taken_through_)
            throw not_achieved{where + " begins after entry " + std::to_string(begin_.number) + ", and says that what was too old ended at entry " + std::to_string(taken_through_) + ": entries were removed"};
        if (head_.empty() || seen_) return;
        if (std::strtoull(head_.c_str(), nullptr, 10) < begin_.number) throw not_achieved{"the head " + head_ + " is of an entry that was too old to be kept; the trail begins after entry " + std::to_string(begin_.number)};
        throw not_achieved{"the trail does not contain the head " + head_ + ": it was cut off before it, or made anew"};
    }

private:
    std::string head_;
    audit_seal begin_;
    std::uint64_t taken_through_ = 0;
    bool seen_ = false;
};

std::string at(std::uint64_t line) { return "line " + std::to_string(line) + " of the file "; }

/// The seal that stands before the first entry, if the line is one.
std::optional<audit_seal> seal_of(std::string const& line) {
    auto const value = json::parse(line);
    auto const* o = value ? value->if_object() : nullptr;
    auto const* number = o ? o->if_contains("number") : nullptr;
    auto const* text = o ? json::find_string(*o, "hash") : nullptr;
    auto const hash = text ? from_hex(json::view(*text)) : std::nullopt;
    audit_seal s;
    if (!number || !number->is_int64() || !hash || hash->size() != s.hash.size()) return std::nullopt;
    s.number = static_cast<std::uint64_t>(number->get_int64());
    std::copy(hash->begin(), hash->end(), s.hash.begin());
    return seal_line(s) == line ? std::optional{s} : std::nullopt;
}

/// The member of that name of an entry's line, as it stands there up to the next one.
std::string part(std::string const& text, std::string_view from, std::string_view to) {
    auto const begin = text.find(from);
    auto const end = begin == std::string::npos ? begin : text.find(to, begin + from.size());
    return end == std::string::npos ? std::string{} : text.substr(begin + from.size(), end - begin - from.size());
}

/// Every line seals the one before. Gives the last; throws `not_achieved` at the first that does not fit.
audit_seal check_lines(std::filesystem::path const& path, witness& w) {
    std::ifstream file{path, std::ios::binary};
    if (!file) throw not_achieved{path.string() + " cannot be read"};
    audit_seal last;
    std::uint64_t row = 0;
    for (std::string line; std::getline(file, line);) {
        ++row;
        if (file.eof()) throw not_achieved{at(row) + "has no end: it was cut off within the line"};
        if (auto const begin = row == 1 ? seal_of(line) : std::nullopt) {
            w.begins_after(last = *begin);
            continue;
        }
        std::uint64_t const n = last.number + 1;
        constexpr std::string_view before_hash = R"(, "hash": ")", after_hash = "\"}";
        std::size_t const sealed_bytes = line.size() - std::min(line.size(), before_hash.size() + 64 + after_hash.size());
        std::string const text = line.substr(0, sealed_bytes) + '}';
        sha256_digest const hash = chained(last.hash, text);
        if (!line.starts_with(R"({"number": )" + std::to_string(n) + ','))
            throw not_achieved{at(row) + "is not entry " + std::to_string(n) + ": lines were removed, added or moved"};
        if (line.substr(sealed_bytes) != std::string{before_hash} + to_hex(hash) + std::string{after_hash})
            throw not_achieved{at(row) + "does not fit its seal: it, or one before it, was altered"};
        std::string const details = R"("details": )";
        w.pass(last = {n, hash}, part(text, R"("event_type": ")", "\""), text.substr(text.find(details) + details.size(), text.size() - text.find(details) - details.size() - 1));
    }
    w.check("the file");
    return last;
}

/// The seals of the store's entries, the one before the first of them included.
struct store_seals {
    audit_seal begin;
    std::vector<sha256_digest> hashes;

    [[nodiscard]] std::uint64_t last() const { return begin.number + hashes.size(); }
    [[nodiscard]] sha256_digest const* of(std::uint64_t number) const {
        if (number == begin.number) return &begin.hash;
        return number > begin.number && number <= last() ? &hashes[number - begin.number - 1] : nullptr;
    }
};

/// The same of the store.
store_seals check_store(store_base& store, witness& w) {
    store_seals all;
    sha256_digest before{};
    for (bool first = true;; first = false) {
        auto const page = store.read([&](store_reader& r) -> result<std::vector<audit_entry>> {
            if (first) {
                BSP_TRY(all.begin, r.audit_begin());
                w.begins_after(all.begin);
                before = all.begin.hash;
            }
            return r.audit({.after = all.last(), .limit = 1'000});
        });
        if (!page) throw std::runtime_error{page.error().detail};
        if (page->empty()) break;
        for (auto const& e : *page) {
            std::string const which = "entry " + std::to_string(e.number) + " of the store ";
            if (e.number != all.last() + 1) throw not_achieved{which + "follows entry " + std::to_string(all.last()) + ": entries were removed"};
            if (e.hash != chained(before, entry_text(e))) throw not_achieved{which + "does not fit its seal: it, or one before it, was altered"};
            all.hashes.push_back(before = e.hash);
            w.pass({e.number, e.hash}, name_of(e.type), e.details);
        }
    }
    w.check("the store");
    return all;
}

std::string whole(audit_seal const& begin, audit_seal const& last) {
    std::string const kept = begin.number == 0 ? std::to_string(last.number) + " entries" : "entries " + std::to_string(begin.number + 1) + " to " + std::to_string(last.number) + ", after what was too old";
    return "whole: " + kept + ", head " + text_of(last);
}

}  // namespace

std::string verify(std::string const& store_name, std::filesystem::path const& data_dir, std::string const& head_text) {
    if (!is_postgres(store_name) && !std::filesystem::exists(data_dir / "bsp.db")) throw std::runtime_error{data_dir.string() + " has no store; name the server's --data-dir"};
    auto const store = open_store(is_postgres(store_name) ? store_name : "sqlite", data_dir);
    // A server that runs writes the file a moment behind the store.
    for (auto const until = std::chrono::steady_clock::now() + 3s;;) {
        witness of_store{head_text}, of_file{{}};
        auto const seals = check_store(*store, of_store);
        audit_seal const last = check_lines(data_dir / "audit.jsonl", of_file);
        bool const late = std::chrono::steady_clock::now() >= until;
        if (last.number > seals.last() && late)
            throw not_achieved{"the store ends at entry " + std::to_string(seals.last()) + ", the file at " + std::to_string(last.number) + ": entries of the store were removed"};
        if (auto const* hash = last.number > 0 ? seals.of(last.number) : nullptr; hash && last.hash != *hash)
            throw not_achieved{"the file is whole in itself, and not that of the store: one of them was made anew"};
        if (last.number == seals.last()) return whole(seals.begin, last);
        if (last.number < seals.last() && late)
            throw not_achieved{"the file ends at entry " + std::to_string(last.number) + ", the store at " + std::to_string(seals.last()) + ": the end of the file was cut off"};
        std::this_thread::sleep_for(100ms);
    }
}

std::string verify_copy(std::filesystem::path const& file, std::string const& head_text) {
    witness w{head_text};
    audit_seal const last = check_lines(file, w);
    std::ifstream in{file, std::ios::binary};
    std::string first;
    std::getline(in, first);
    return whole(seal_of(first).value_or(audit_seal{}), last);
}

}  // namespace bsp::server::audit_control

#pragma once

#include "company.hpp"
#include "figures.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bsp::conformance::load {

/// A few peers that follow the feed while it grows, page by page and from watermark to watermark, as every peer does.
/// What they were not shown in the end, their users would never see: a feed loses entries, if at all, while many write.
class followers {
public:
    /// One peer each of the first users. They begin at `since`, and pull about once in a second.
    followers(company&, instant since);
    ~followers();
    followers(followers const&) = delete;
    followers& operator=(followers const&) = delete;

    /// Pulls the rest, once everything is written, and adds to `into` what was acknowledged and not shown.
    void judge(verdict_on_data& into);

private:
    struct one {
        participant const* who;
        std::string since;
        std::map<std::string, std::string, std::less<>> seen = {};  ///< digests by "conversation/message"
    };

    /// Takes in what is new; false when a page could not be had. `at_last`: it is waited for.
    bool pull(one&, bool at_last);
    void work();
    void stop();

    company& company_;
    instant since_;
    std::vector<one> all_;
    std::mutex mutex_;
    std::condition_variable stopping_;
    bool stop_ = false;
    std::thread worker_;
};

}  // namespace bsp::conformance::load

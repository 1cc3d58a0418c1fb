" Vim syntax file for .stress, the language of stressc.
if exists('b:current_syntax')
  finish
endif
syn case match

" Words. Keywords are contained in the matches below, because a statement word is one only first in its
" statement, and a word that touches a following `:` is a label.
syn keyword stressStatement abort acquire alert alerts allow area call choose command connect continue count data delete each event events execute expect expectation fault flow get group head headers hold idle if include ledger let limiter link load measure monitor no once options param patch post profile put query ramp ready receive record repeat replay request scenario search semaphore send service set setup shape spike steady_state steps strict suite sweep system target teardown think transaction use verify warmup contained
syn keyword stressConnecting and as at backoff by during each else every for from in of on or outside over settle until when while within contained
syn keyword stressReserved baseline false not null true contained
syn keyword stressInner after before contains ends fires iterations keeps matches may most other per quiet resolves retry speed starts stays together where contained
" Built-in names, where they are called.
syn keyword stressBuiltin assets base64 bytes css env exists exponential file format_time header hex hmac_sha256 iteration json lower max min now passed port random random_text regex replace rule_coverage sha256 template upper url url_encode uuid contained
syn keyword stressConstructor alertmanager attach basic bearer command cookie csv demo grafana grpc host http jsonl limiter metrics mysql pool postgres process prometheus redis semaphore sqlite tcp webhook websocket contained
syn keyword stressFault bandwidth burn_cpu command corrupt fill_disk fill_memory hold_connections http_delay http_error kill kill_connections latency limit_cpu limit_memory lock_table partition pause refuse reset restart slice slow_close contained
syn keyword stressMetric apdex availability bandwidth burn_rate capacity coherency contention count crashes drift dropped duplicated efficiency error_rate false_alarm_rate growth histogram_error increase last lost max mean min mttr p50 p75 p90 p95 p99 p999 peak_throughput peak_users precision quantile recall recovered resurrected scalability_coefficient stddev throughput time_to_detect time_to_recover unverified contained
syn keyword stressSecret secret contained

syn match stressWord /\<[a-z_]\w*\>/ contains=stressConnecting,stressReserved,stressInner
syn match stressFirst /\%(\%(^\|{\)\s*\)\@<=\h\w*\>[:.(]\@!/ contains=stressStatement,stressConnecting,stressReserved
syn match stressType /\<[A-Z][A-Za-z0-9]*\>/
syn match stressSecret /\<Secret\>/
syn match stressFunction /\.\@1<!\<[a-z_]\w*\ze(/ contains=stressBuiltin,stressConstructor,stressFault,stressMetric,stressSecret
syn match stressLabel /\<\h\w*\ze:/
syn match stressField /[[:alnum:]_)\]]\@1<=\.\h\w*/

" The names of declarations, steps and stages.
syn match stressName /\v%(%(^|\{)\s*%(alerts|area|data|each|event|expectation|fault|flow|group|ledger|let|limiter|link|load|measure|monitor|param|profile|scenario|semaphore|service|set|shape|steady_state|suite|system|target|transaction)\s+)@<=[a-z_]\w*>/
syn match stressName /\v%(<as\s+)@<=[a-z_]\w*>/

" Quantities.
syn match stressNumber /\v<\d[0-9_]*%(\.\d+)?>/
syn match stressQuantity /\v<%(\d[0-9_]*%(\.\d+)?%(us|ms|s|m|h|d))+>/
syn match stressQuantity /\v<\d[0-9_]*%(\.\d+)?%(pp|x|[kMG]?bps|TiB|TB|GiB|GB|MiB|MB|KiB|kB|B)>/
syn match stressQuantity /\v<\d[0-9_]*%(\.\d+)?%(TiB|TB|GiB|GB|MiB|MB|KiB|kB|B)?\/%(s|min|h|d)>/
syn match stressQuantity /\v<\d[0-9_]*%(\.\d+)?\%/
syn match stressQuantity /\v<\d[0-9_]*%(\.\d+)? +users?>/

syn match stressOperator /->\|\.\.\|==\|!=\|<=\|>=\|[<>=+*-]/
syn match stressOperator +/+

" Texts: "…" with escapes and interpolations, '…' as it stands, and the long forms of both.
syn match stressEscape contained /\\\%(["\\ntr{}]\|u{\x\{1,6}}\)/
syn match stressBadEscape contained /\\\%(["\\ntr{}]\|u{\x\{1,6}}\)\@!./
syn match stressInterpolation contained /{[a-z_]\w*\%(\.\w\+\)*}/
syn region stressText start=/"/ end=/"\|$/ skip=/\\./ oneline contains=stressEscape,stressBadEscape,stressInterpolation
syn region stressRaw start=/'/ end=/'\|$/ oneline
syn region stressText start=/"""/ end=/"""/ skip=/\\./ contains=stressEscape,stressBadEscape,stressInterpolation
syn region stressRaw start=/'''/ end=/'''/

" Comments: plain, of what follows, of the file.
syn match stressComment +//.*$+ contains=@Spell
syn match stressDoc +///\%(/\)\@!.*$+ contains=@Spell
syn match stressDoc +//!.*$+ contains=@Spell

hi def link stressStatement Statement
hi def link stressConnecting Keyword
hi def link stressInner Keyword
hi def link stressReserved Constant
hi def link stressType Type
hi def link stressFunction Function
hi def link stressBuiltin Function
hi def link stressConstructor Structure
hi def link stressFault Exception
hi def link stressMetric Macro
hi def link stressSecret Underlined
hi def link stressLabel Identifier
hi def link stressField Identifier
hi def link stressName Title
hi def link stressNumber Number
hi def link stressQuantity Number
hi def link stressOperator Operator
hi def link stressText String
hi def link stressRaw String
hi def link stressEscape SpecialChar
hi def link stressBadEscape Error
hi def link stressInterpolation Special
hi def link stressComment Comment
hi def link stressDoc SpecialComment

let b:current_syntax = 'stress'

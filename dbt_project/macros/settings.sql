{#- The one table of everything a user can set. Each row: type, default, unit, what is valid, and an
    example. `salesfc_plugin/config.py` holds the same for Python; a test compares the two. -#}
{% macro settings_table() %}
    {%- do return({
        'schema': {'type': 'table', 'default': 'raw', 'valid': 'the name of a schema, without quotes', 'example': 'shop',
            'doc': 'schema of the raw tables'},
        'sales_identifier': {'type': 'table', 'default': 'sales', 'valid': 'the name of a table, without quotes', 'example': 'order_line',
            'doc': 'table of sales, at any grain: order line, day, week'},
        'series_identifier': {'type': 'optional_table', 'default': '', 'valid': 'the name of a table, without quotes, or empty for none', 'example': 'product',
            'doc': 'table of static attributes, one row for each value of all or some of the keys'},
        'covariates_identifier': {'type': 'optional_table', 'default': '', 'valid': 'the name of a table, without quotes, or empty for none', 'example': 'price_plan',
            'doc': 'table of what is known in advance, past and future'},
        'behaviour_identifier': {'type': 'optional_table', 'default': '', 'valid': 'the name of a table, without quotes, or empty for none', 'example': 'web_day',
            'doc': 'table of what is known of the past only'},
        'stock_identifier': {'type': 'optional_table', 'default': '', 'valid': 'the name of a table, without quotes, or empty for none', 'example': 'stock_day',
            'doc': 'table of stock levels, column on_hand'},
        'scenario_identifier': {'type': 'optional_table', 'default': '', 'valid': 'the name of a table, without quotes, or empty for none', 'example': 'scenario',
            'doc': 'table of what-if questions: scenario_id, filter, from_date, to_date, column, expression'},
        'series_keys': {'type': 'names', 'default': [], 'valid': 'a list of column names', 'example': ['sku', 'warehouse'],
            'doc': 'columns whose values together name a series; none: all sales are one series, total'},
        'time_column': {'type': 'name', 'default': 'sold_at', 'valid': 'the name of a column', 'example': 'ordered_at',
            'doc': 'when: date, timestamp, ISO text or a number such as 20240131; in every table that has a time'},
        'quantity_column': {'type': 'name', 'default': 'quantity', 'valid': 'the name of a column', 'example': 'units',
            'doc': 'units sold'},
        'price_column': {'type': 'text', 'default': 'price', 'valid': 'the name of a column, or empty for none', 'example': 'unit_price',
            'doc': 'price of one unit'},
        'customer_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'customer_id',
            'doc': 'customer; only ever counted, never stored'},
        'min_customers': {'type': 'integer', 'default': 0, 'min': 0, 'max': 1000000, 'unit': 'customers',
            'valid': 'a whole number of customers from 0 to 1000000', 'example': 5,
            'doc': 'fewest customers of a series and period whose count, or behaviour by customer, is shown; 0 shows all'},
        'static_columns': {'type': 'names', 'default': [], 'valid': 'a list of column names', 'example': ['category', 'brand'],
            'doc': 'static attributes in the series table: text, titles, numbers, FLOAT[] embeddings'},
        'known_columns': {'type': 'names', 'default': [], 'valid': 'a list of column names', 'example': ['price', 'promotion'],
            'doc': 'known-in-advance columns in the covariates table'},
        'past_columns': {'type': 'names', 'default': [], 'valid': 'a list of column names', 'example': ['views', 'carts'],
            'doc': 'past-only columns in the behaviour table'},
        'views_column': {'type': 'text', 'default': '', 'valid': 'one of salesfc_past_columns, or empty for none', 'example': 'views',
            'doc': 'past column that counts visits: gives conversion, units sold over its mean in the period'},
        'competitor_price_column': {'type': 'text', 'default': '', 'valid': 'one of salesfc_past_columns, or empty for none',
            'example': 'competitor_price', 'doc': 'past column with a competitor\'s price: gives the ratio of the own price to it'},
        'hierarchy': {'type': 'name_lists', 'default': [], 'valid': 'a list of lists of keys or static columns',
            'example': [['category'], ['category', 'warehouse']], 'doc': 'levels at which totals must add up'},
        'horizon': {'type': 'integer', 'default': 28, 'min': 1, 'max': 1000, 'unit': 'periods',
            'valid': 'a whole number of periods from 1 to 1000', 'example': 14, 'doc': 'periods to forecast'},
        'frequency': {'type': 'choice', 'default': 'day', 'choices': ['day', 'week', 'month'], 'example': 'week',
            'doc': 'length of a period; a week starts on Monday'},
        'cutoff': {'type': 'date', 'default': '', 'valid': 'a date such as 2024-01-31, or empty for the last complete period',
            'example': '2024-01-31', 'doc': 'last date whose sales are read'},
        'timezone': {'type': 'text', 'default': '', 'valid': 'an IANA time zone such as Asia/Shanghai, or empty to take times as they are',
            'example': 'Asia/Shanghai', 'doc': 'the shop\'s time zone: times without an offset are read as UTC; plain dates are never shifted'},
        'holiday_region': {'type': 'region', 'default': '', 'valid': 'an ISO country code such as CN or US, or empty for none',
            'example': 'CN', 'doc': 'whose public holidays the calendar holds, and the weekends worked in exchange for a day off'},
        'confidence_level': {'type': 'number', 'default': 0.9, 'above': 0, 'below': 1, 'valid': 'a number between 0 and 1',
            'example': 0.8, 'doc': 'share of outcomes that the interval should hold'},
        'quantiles': {'type': 'levels',
            'default': [0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975],
            'valid': 'a rising list of different numbers between 0 and 1', 'example': [0.1, 0.5, 0.9], 'doc': 'levels to forecast'},
        'network': {'type': 'choice', 'default': 'lstm', 'choices': ['lstm', 'dense', 'cnn_lstm', 'transformer', 'auto'],
            'example': 'dense', 'doc': 'encoder of the network; auto tries all four before the backtest, and takes lstm unless another does better'},
        'preset': {'type': 'choice', 'default': 'standard', 'choices': ['quick', 'standard', 'best'], 'example': 'quick',
            'doc': 'how much is spent on training'},
        'seed': {'type': 'integer', 'default': 7, 'min': 0, 'max': 2147483647, 'valid': 'a whole number from 0 to 2147483647',
            'example': 1, 'doc': 'of every random choice'},
        'train': {'type': 'choice', 'default': 'auto', 'choices': ['auto', 'always', 'never', 'warm'], 'example': 'never',
            'doc': 'whether a build trains: if data, settings or code changed, always, never, or on from the last model'},
        'on_error': {'type': 'choice', 'default': 'skip', 'choices': ['skip', 'abort'], 'example': 'abort',
            'doc': 'a series that cannot be forecast: fall back and say why, or end the build'},
        'gaps': {'type': 'choice', 'default': 'zero', 'choices': ['zero', 'mask', 'interpolate', 'forward'], 'example': 'mask',
            'doc': 'a period without a row'},
        'missing': {'type': 'choice', 'default': 'mask', 'choices': ['mask', 'zero', 'drop', 'mean', 'median', 'interpolate', 'forward'],
            'example': 'median', 'doc': 'a row without a quantity, or with one that cannot be read'},
        'outliers': {'type': 'choice', 'default': 'flag', 'choices': ['flag', 'keep', 'cap', 'drop'], 'example': 'cap',
            'doc': 'a quantity outside its series\' Tukey fences'},
        'returns': {'type': 'choice', 'default': 'net', 'choices': ['net', 'drop'], 'example': 'drop',
            'doc': 'negative quantities: taken off the period\'s sales, or left out'},
        'duplicates': {'type': 'choice', 'default': 'auto', 'choices': ['auto', 'drop', 'keep'], 'example': 'keep',
            'doc': 'exact copies of a whole row; auto drops them if the table has columns that are not mapped, such as an order number'},
        'normalisation': {'type': 'choice', 'default': 'mean', 'choices': ['mean', 'zscore', 'log1p'], 'example': 'log1p',
            'doc': 'how a series is scaled for the network: by its recent mean, by the deviation of all its past, or as logarithms'},
        'backtest_cutoffs': {'type': 'integer', 'default': 3, 'min': 1, 'max': 52, 'valid': 'a whole number from 1 to 52', 'example': 1,
            'doc': 'rolling origins that accuracy rests on'},
        'backtest_dates': {'type': 'dates', 'default': [], 'valid': 'a rising list of different dates such as 2024-01-31',
            'example': ['2023-11-30', '2023-12-31'],
            'doc': 'dates to hold out the horizon after, each the last period that is read, instead of the last salesfc_backtest_cutoffs horizons'},
        'backtest_retrain': {'type': 'choice', 'default': 'once', 'choices': ['once', 'each'], 'example': 'each',
            'doc': 'train for the backtest before its first cutoff alone, or before each'},
        'paths': {'type': 'integer', 'default': 0, 'min': 0, 'max': 10000, 'unit': 'paths', 'valid': 'a whole number from 0 to 10000',
            'example': 200, 'doc': 'sample paths a series that the warehouse keeps'},
        'lead_time': {'type': 'integer', 'default': 7, 'min': 0, 'max': 365, 'unit': 'periods',
            'valid': 'a whole number of periods from 0 to 365', 'example': 14, 'doc': 'periods from an order to its delivery'},
        'lead_time_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'lead_time_days',
            'doc': 'column of the series table with the mean lead time in periods, instead of salesfc_lead_time'},
        'lead_time_deviation_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none',
            'example': 'lead_time_sd', 'doc': 'column of the series table with the standard deviation of the lead time in periods'},
        'review_period': {'type': 'integer', 'default': 7, 'min': 1, 'max': 365, 'unit': 'periods',
            'valid': 'a whole number of periods from 1 to 365', 'example': 1, 'doc': 'periods between two looks at the stock'},
        'service_level': {'type': 'number', 'default': 0.95, 'above': 0, 'below': 1, 'valid': 'a number between 0 and 1',
            'example': 0.98, 'doc': 'probability that stock lasts from one delivery to the next'},
        'unit_cost_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'unit_cost',
            'doc': 'column of the series table with what one unit costs to buy: gives the value of orders and overstock'},
        'holding_cost_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'holding_cost',
            'doc': 'column of the series table with the cost of one unit left over for a review period; beside salesfc_shortage_cost_column'},
        'shortage_cost_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'margin',
            'doc': 'column of the series table with the cost of one unit short; with salesfc_holding_cost_column it gives the service level'},
        'pack_size_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'case_units',
            'doc': 'column of the series table with the units of a pack: orders are whole packs'},
        'minimum_order_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'min_units',
            'doc': 'column of the series table with the fewest units of an order'},
        'supplier_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'supplier',
            'doc': 'column of the series table with who delivers'},
        'successor_column': {'type': 'text', 'default': '', 'valid': 'the name of a column, or empty for none', 'example': 'replaces',
            'doc': 'column of the series table with what a series replaces, a unique_id or a value of its first key: it gets that history'},
        'category_column': {'type': 'text', 'default': '', 'valid': 'one of salesfc_static_columns or salesfc_series_keys, or empty for none',
            'example': 'category', 'doc': 'attribute whose goods stand in for one another: gives what a promotion takes from the rest'},
        'location_key': {'type': 'text', 'default': '', 'valid': 'one of salesfc_series_keys, or empty for none', 'example': 'warehouse',
            'doc': 'the series key that names a place: orders are planned by it, and goods moved between places'},
        'memory_limit': {'type': 'memory', 'default': '', 'valid': 'a size such as 4GB, or empty for the engine\'s own', 'example': '4GB',
            'doc': 'most memory that the database may use; forecasts are made in smaller batches, too'},
        'tensorboard_dir': {'type': 'text', 'default': '', 'valid': 'a folder, or empty for none', 'example': 'output/tensorboard',
            'doc': 'where training writes TensorBoard logs'},
        'semantic_models': {'type': 'flag', 'default': false, 'valid': 'true or false', 'example': true,
            'doc': 'whether dbt gets semantic models, metrics and a time spine for MetricFlow'},
    }) -%}
{% endmacro %}


{#- The checked value of one var; ends the build with one line if it is wrong. -#}
{% macro setting(name) %}
    {%- set spec = salesfc.settings_table()[name] -%}
    {%- set value = var('salesfc_' ~ name, none) -%}
    {%- if value is none -%}{%- do return(spec['default']) -%}{%- endif -%}
    {%- do return(salesfc.coerced(name, spec, value)) -%}
{% endmacro %}


{#- Checks every var, and the names of those given on the command line and in the file of the user's project. -#}
{% macro check_settings() %}
    {%- set table = salesfc.settings_table() -%}
    {%- for name in table -%}{%- do salesfc.setting(name) -%}{%- endfor -%}
    {%- set given_names = invocation_args_dict.get('vars', {}) | list + salesfc.names_in_project_file() -%}
    {%- for given in given_names if given.startswith('salesfc_') and given[8:] not in table -%}
        {%- do exceptions.raise_compiler_error(
            given ~ ': there is no such var' ~ salesfc.did_you_mean(given[8:], table.keys() | list, 'salesfc_')
        ) -%}
    {%- endfor -%}
    {%- do salesfc.check_together() -%}
{% endmacro %}


{#- The names under `vars:` in the dbt_project.yml that is built, for all packages or for one; dbt tells a package only
    the values of names it asks for. -#}
{% macro names_in_project_file() %}
    {%- set names = [] -%}
    {%- for name, value in (salesfc.project_file().get('vars') or {}).items() -%}
        {%- do names.extend(value if value is mapping else [name]) -%}
    {%- endfor -%}
    {%- do return(names) -%}
{% endmacro %}


{#- What is right by itself but not beside other vars. -#}
{% macro check_together() %}
    {%- set table = salesfc.settings_table() -%}
    {%- for name in ['views_column', 'competitor_price_column'] -%}
        {%- if salesfc.setting(name) and salesfc.setting(name) not in salesfc.setting('past_columns') -%}
            {%- do salesfc.refuse(name, table[name], salesfc.setting(name)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set tables = {'static_columns': 'series', 'known_columns': 'covariates', 'past_columns': 'behaviour'} -%}
    {%- for name, identifier in tables.items() if salesfc.setting(name) and not salesfc.setting(identifier ~ '_identifier') -%}
        {%- do exceptions.raise_compiler_error(
            'salesfc_' ~ name ~ ': ' ~ salesfc.setting(name) ~ ' has no table; salesfc_' ~ identifier ~ '_identifier must name it.'
        ) -%}
    {%- endfor -%}
    {%- if salesfc.setting('min_customers') > 0 and not salesfc.setting('customer_column') -%}
        {%- do exceptions.raise_compiler_error(
            'salesfc_min_customers: ' ~ salesfc.setting('min_customers') ~ ' customers cannot be counted; salesfc_customer_column must name them.'
        ) -%}
    {%- endif -%}
    {%- do salesfc.check_supply() -%}
    {%- set columns = salesfc.setting('series_keys') + salesfc.setting('static_columns') -%}
    {%- for level in salesfc.setting('hierarchy') -%}
        {%- for column in level if column not in columns -%}
            {%- do salesfc.refuse('hierarchy', table['hierarchy'], salesfc.setting('hierarchy')) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set zone = salesfc.setting('timezone') -%}
    {%- if zone and zone not in modules.pytz.all_timezones -%}
        {%- do salesfc.refuse('timezone', table['timezone'], zone) -%}
    {%- endif -%}
{% endmacro %}


{% macro refuse(name, spec, value) %}
    {%- set shown = "'" ~ value ~ "'" if value is string else value -%}
    {%- set valid = spec.get('valid') or 'one of ' ~ spec['choices'] | join(', ') -%}
    {%- do exceptions.raise_compiler_error('salesfc_' ~ name ~ ': ' ~ shown ~ ' is not valid; it must be ' ~ valid ~ '.') -%}
{% endmacro %}


{#- '; did you mean ...?' for the word of a list that shares most pairs of letters with a given one;
    nothing if none shares many. -#}
{% macro did_you_mean(word, words, prefix='') %}
    {%- set best = namespace(word='', score=0.4) -%}
    {%- set given = ' ' ~ word | lower ~ ' ' -%}
    {%- for candidate in words -%}
        {%- set text = ' ' ~ candidate | lower ~ ' ' -%}
        {%- set shared = namespace(n=0) -%}
        {%- for i in range(given | length - 1) if given[i:i + 2] in text -%}{%- set shared.n = shared.n + 1 -%}{%- endfor -%}
        {%- set score = 2.0 * shared.n / (given | length + text | length) -%}
        {%- if score > best.score -%}{%- set best.word = candidate -%}{%- set best.score = score -%}{%- endif -%}
    {%- endfor -%}
    {%- do return('; did you mean ' ~ prefix ~ best.word ~ '?' if best.word else '.') -%}
{% endmacro %}
